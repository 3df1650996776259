//! One connection, from its first byte to its last.

use std::{
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::ConnectInfo,
    http::{HeaderValue, Request, Response, Version, header},
};
use futures_util::{
    FutureExt as _,
    future::{Either, ready},
};
use hyper::{
    body::{Frame, Incoming, SizeHint},
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{io::AsyncReadExt as _, net::TcpStream};
use tokio_util::sync::CancellationToken;

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

/// What an HTTP/2 connection begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The most requests at once on one HTTP/2 connection: what RFC 9113 recommends at least.
const MAX_STREAMS: u32 = 100;

/// How much of a request may come before it is read, in bytes: a body and some.
const WINDOW: u32 = 32 * 1024;

/// The most streams that were reset and are not yet forgotten: more is an attack (rapid reset).
const MAX_RESETS: usize = 20;

/// When a silent HTTP/2 client is asked whether it is still there, and how long it may think.
const PING_AFTER: Duration = Duration::from_secs(20);
const PING_PATIENCE: Duration = Duration::from_secs(10);

/// What a connection is served with.
pub(super) struct Connection {
    pub(super) site: Arc<Site>,
    pub(super) watch: Arc<Watch>,
    pub(super) peer: SocketAddr,
    pub(super) refusals: refusal::Log,
    /// Whether it may speak HTTP/2.
    pub(super) http2: bool,
    /// Cancelled when the server stops, for HTTP/2.
    pub(super) stop: CancellationToken,
}

impl Connection {
    /// Serves to the end, which others may bring about.
    pub(super) async fn serve(self: Arc<Self>, stream: Arc<TcpStream>) {
        self.converse(&stream).await;
        if self.watch.should_linger()
            && let Some(stream) = Arc::into_inner(stream)
        {
            // It is over, so that this, too, gives way to whoever wants a connection.
            tokio::select! {
                () = refusal::linger(stream) => (),
                () = self.watch.evicted() => (),
            }
        }
        if self.watch.is_evicted() {
            self.site.app.metrics().connection_evicted();
        }
        self.watch.end();
    }

    async fn converse(self: &Arc<Self>, stream: &Arc<TcpStream>) {
        let mut io = Watched::new(stream.clone(), self.watch.clone(), self.refusals.clone());
        let ended = match self.http2 && begins_with_preface(&mut io).await {
            // Boxed: few connections speak it, and what it needs is twice what the others need.
            true => Box::pin(self.http2(io)).await,
            false => self.http1(io).await,
        };
        if let Err(error) = ended {
            tracing::trace!(%error, "a connection ended");
            // What looks like HTTP/2 gets nothing from hyper where that is not spoken.
            if error.is_parse() && !self.http2 && !self.watch.said_last() {
                let _ = stream.try_write(&self.refusals.document(Code::MalformedRequest));
                self.watch.say_last();
            }
        }
    }

    async fn http1(self: &Arc<Self>, io: Watched) -> hyper::Result<()> {
        let this = Arc::clone(self);
        let service = service_fn(move |request| Arc::clone(&this).answer(request));
        // It is not told to stop: hyper would close what waits at once, when a request may be on its way.
        http1::Builder::new()
            .timer(TokioTimer::new())
            // The stream keeps the deadlines, also when the server stops.
            .header_read_timeout(None)
            .max_headers(MAX_HEADERS)
            .max_header_size(MAX_HEAD)
            .max_buf_size(MAX_HEAD)
            .half_close(false)
            .serve_connection(TokioIo::new(io), service)
            .await
    }

    async fn http2(self: &Arc<Self>, io: Watched) -> hyper::Result<()> {
        self.watch.multiplexes();
        let this = Arc::clone(self);
        let service = service_fn(move |request| Arc::clone(&this).answer(request));
        let mut connection = pin!(
            http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .keep_alive_interval(PING_AFTER)
                .keep_alive_timeout(PING_PATIENCE)
                .max_concurrent_streams(MAX_STREAMS)
                .max_header_list_size(MAX_HEAD as u32)
                .initial_stream_window_size(WINDOW)
                .initial_connection_window_size(4 * WINDOW)
                .max_send_buf_size(4 * WINDOW as usize)
                .max_pending_accept_reset_streams(MAX_RESETS)
                .max_local_error_reset_streams(MAX_RESETS)
                .serve_connection(TokioIo::new(io), service)
        );
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = self.stop.cancelled() => (),
        }
        connection.as_mut().graceful_shutdown();
        connection.await
    }

    /// Not an `async fn`, which would keep a place for the request until there is an answer.
    fn answer(
        self: Arc<Self>,
        mut request: Request<Incoming>,
    ) -> impl Future<Output = io::Result<Response<Counted>>> {
        let Some(in_service) = self.watch.request() else {
            return Either::Left(ready(Err(io::ErrorKind::ConnectionAborted.into())));
        };
        request.extensions_mut().insert(ConnectInfo(self.peer));
        let may_close = request.version() < Version::HTTP_2;
        let response = self.site.routes().call(request.map(body));
        Either::Right(response.map(move |mut response| {
            if may_close && !self.site.app.is_ready() {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            if response.headers().get(header::CONNECTION).is_some_and(|it| it == "close") {
                self.watch.say_last();
            }
            Ok(response.map(|body| Counted { body, _in_service: in_service }))
        }))
    }
}

/// Most requests have none, and need no box for it.
fn body(incoming: Incoming) -> Body {
    if incoming.is_end_stream() { Body::empty() } else { Body::new(incoming) }
}

/// Whether HTTP/2 follows; either way nothing is lost of it.
async fn begins_with_preface(io: &mut Watched) -> bool {
    let mut read = Vec::with_capacity(PREFACE.len());
    while read.len() < PREFACE.len() && PREFACE.starts_with(&read) {
        let missing = (PREFACE.len() - read.len()) as u64;
        match io.take(missing).read_buf(&mut read).await {
            Ok(0) | Err(_) => break,
            Ok(_) => (),
        }
    }
    let is_preface = read == PREFACE;
    io.unread(read.into());
    is_preface
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
