//! One connection, from its first byte to its last.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::ConnectInfo,
    http::{HeaderValue, Request, Response, Version, header},
};
use hyper::{
    body::{Frame, Incoming, SizeHint},
    server::conn::http1,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::{
    refusal,
    site::Site,
    stream::Watched,
    watch::{InService, Watch},
};
use crate::web::Code;

/// The most headers of a request. The official SDKs send about twenty, and proxies add ten.
const MAX_HEADERS: usize = 64;

/// The longest head of a request, in bytes. nginx and haproxy take 16 to 32 KiB.
const MAX_HEAD: usize = 32 * 1024;

/// What a connection is served with.
pub(super) struct Connection {
    pub(super) site: Arc<Site>,
    pub(super) watch: Arc<Watch>,
    pub(super) peer: SocketAddr,
    pub(super) refusals: refusal::Log,
    /// Cancelled when the server stops.
    pub(super) stop: CancellationToken,
}

impl Connection {
    /// Serves to the end, which others may bring about.
    pub(super) async fn serve(self, stream: TcpStream) {
        let stream = Arc::new(stream);
        let evicted = self.watch.evicted.clone();
        tokio::select! {
            biased;
            () = evicted.cancelled() => self.site.app.metrics().connection_evicted(),
            () = self.converse(stream) => (),
        }
        self.watch.end();
    }

    async fn converse(&self, stream: Arc<TcpStream>) {
        let io = Watched::new(stream.clone(), self.watch.clone(), self.refusals.clone());
        if let Err(error) = self.http1(io).await {
            tracing::trace!(%error, "a connection ended");
            // What looks like HTTP/2 gets nothing from hyper.
            if error.is_parse() && !self.watch.should_linger() {
                let _ = stream.try_write(&self.refusals.document(Code::MalformedRequest));
                self.watch.say_last();
            }
        }
        if self.watch.should_linger() {
            refusal::linger_if_last(stream).await;
        }
    }

    async fn http1(&self, io: Watched) -> hyper::Result<()> {
        let service = hyper::service::service_fn(|request| self.answer(request));
        let mut connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                // The stream keeps the deadlines.
                .header_read_timeout(None)
                .max_headers(MAX_HEADERS)
                .max_buf_size(MAX_HEAD)
                .half_close(false)
                .serve_connection(TokioIo::new(io), service)
        );
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = self.stop.cancelled() => (),
        }
        self.watch.stop();
        connection.as_mut().graceful_shutdown();
        connection.await
    }

    async fn answer(&self, mut request: Request<Incoming>) -> io::Result<Response<Counted>> {
        let in_service = self.watch.request().ok_or(io::ErrorKind::ConnectionAborted)?;
        request.extensions_mut().insert(ConnectInfo(self.peer));
        let may_close = request.version() < Version::HTTP_2;
        let answered: Result<_, Infallible> =
            self.site.router().oneshot(request.map(Body::new)).await;
        let mut response = match answered {
            Ok(response) => response,
            Err(never) => match never {},
        };
        if may_close && !self.site.app.is_ready() {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        if response.headers().get(header::CONNECTION).is_some_and(|it| it == "close") {
            self.watch.say_last();
        }
        Ok(response.map(|body| Counted { body, _in_service: in_service }))
    }
}

/// The body of an answer. The request is in the service until it is gone.
pub(super) struct Counted {
    body: Body,
    _in_service: InService,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
