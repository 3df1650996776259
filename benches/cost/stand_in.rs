//! The stand-in provider: one thread that does nothing but answer, so that what is measured is what
//! stands in front of it. It is a process of its own. It answers on three ports: plain HTTP/1.1, and over TLS
//! HTTP/1.1 and HTTP/2, one port for each (see [`super::tls`]).
//!
//! | route | does |
//! |---|---|
//! | `POST /v1/single-use-token/…` | mints: `{"token"}` |
//! | `POST /v1/realtime/client_secrets` | mints: `{"value", "expires_at"}` |
//! | `POST /control/latency/MS` | from now on a mint takes so long |
//! | `POST /control/hold`, `…/release` | mints hang until they are released |
//! | `POST /control/waiting` | how many mints hang or take their time |

use std::{
    cell::Cell, convert::Infallible, io, net::SocketAddr, path::Path, rc::Rc, time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    sync::Notify,
};
use tokio_rustls::TlsAcceptor;

use super::{
    http::{self, Connection},
    serve,
    tls::{self, Version},
};

#[derive(Default)]
struct StandIn {
    latency: Cell<Duration>,
    held: Cell<bool>,
    release: Notify,
    waiting: Cell<u64>,
    minted: Cell<u64>,
}

/// The bench's hand on it.
pub struct Control {
    address: SocketAddr,
    connection: Connection,
}

impl Control {
    pub async fn of(address: SocketAddr) -> Self {
        Self { address, connection: Connection::open(address).await.unwrap() }
    }

    /// From now on each mint takes so long.
    pub async fn latency(&mut self, latency: Duration) {
        self.ask(&format!("latency/{}", latency.as_millis())).await;
    }

    /// From now on mints hang.
    pub async fn hold(&mut self) {
        self.ask("hold").await;
    }

    /// They do so no longer.
    pub async fn release(&mut self) {
        self.ask("release").await;
    }

    /// How many mints hang, or take their time.
    pub async fn waiting(&mut self) -> usize {
        self.ask("waiting").await.parse().unwrap()
    }

    async fn ask(&mut self, what: &str) -> String {
        let request = http::post(self.address, &format!("/control/{what}"), &[]);
        let answer = self.connection.ask(&request).await.unwrap();
        String::from_utf8(answer.body().to_vec()).unwrap()
    }
}

/// Serves plain HTTP on `addresses[0]`, and TLS on the other two, for as long as the bench runs. `folder`: where the
/// certificate is.
pub fn run(addresses: [SocketAddr; 3], folder: &Path) {
    let [plain, http1, http2] = addresses;
    serve::on_one_thread(async move {
        let stand_in = Rc::new(StandIn::default());
        let secure = |version| Some(tls::acceptor(folder, version));
        tokio::join!(
            listen(Rc::clone(&stand_in), plain, None),
            listen(Rc::clone(&stand_in), http1, secure(Version::Http1)),
            listen(Rc::clone(&stand_in), http2, secure(Version::Http2)),
        );
    });
}

async fn listen(stand_in: Rc<StandIn>, address: SocketAddr, tls: Option<TlsAcceptor>) {
    let listener = serve::listen(address);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                tokio::task::spawn_local(answer_all(Rc::clone(&stand_in), stream, tls.clone()));
            }
            // Out of descriptors: some will be given back.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn answer_all(stand_in: Rc<StandIn>, stream: TcpStream, tls: Option<TlsAcceptor>) {
    let Some(tls) = tls else { return serve_http1(&stand_in, stream).await };
    let Ok(stream) = tls.accept(stream).await else { return };
    match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => serve_http2(stand_in, stream).await,
        _ => serve_http1(&stand_in, stream).await,
    }
}

async fn serve_http1(stand_in: &StandIn, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let (mut buffer, mut last, mut answer) = (Vec::with_capacity(1024), None, Vec::new());
    while let Ok(Some(message)) = http::read(&mut stream, &mut buffer, last.take()).await {
        let path = message.head(&buffer).split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        let text = stand_in.answer(&String::from_utf8_lossy(path)).await;
        answer.clear();
        write(&mut answer, &text);
        // TLS keeps back what the socket did not take at once.
        if stream.write_all(&answer).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        last = Some(message);
    }
}

async fn serve_http2(stand_in: Rc<StandIn>, stream: impl AsyncRead + AsyncWrite + Unpin + 'static) {
    let service = service_fn(move |request: Request<Incoming>| {
        let stand_in = Rc::clone(&stand_in);
        async move {
            let body = Bytes::from(stand_in.answer(request.uri().path()).await);
            let response = Response::builder().header("content-type", "application/json");
            Ok::<_, Infallible>(response.body(Full::new(body)).unwrap())
        }
    });
    let _ =
        http2::Builder::new(LocalExecutor).serve_connection(TokioIo::new(stream), service).await;
}

/// Runs the tasks of HTTP/2 on the one thread there is.
#[derive(Clone)]
struct LocalExecutor;

impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for LocalExecutor {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(task);
    }
}

impl StandIn {
    /// The body of the answer.
    async fn answer(&self, path: &str) -> String {
        if let Some(control) = path.strip_prefix("/control/") {
            return self.control(control);
        }
        self.take_time().await;
        let number = self.minted.get();
        self.minted.set(number + 1);
        if path.starts_with("/v1/realtime/client_secrets") {
            format!(r#"{{"value":"ek_{number:024}","expires_at":4000000000}}"#)
        } else {
            format!(r#"{{"token":"sutkn_{number:024}"}}"#)
        }
    }

    async fn take_time(&self) {
        let latency = self.latency.get();
        if latency.is_zero() && !self.held.get() {
            return;
        }
        self.waiting.set(self.waiting.get() + 1);
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        loop {
            let released = self.release.notified();
            if !self.held.get() {
                break;
            }
            released.await;
        }
        self.waiting.set(self.waiting.get() - 1);
    }

    fn control(&self, what: &str) -> String {
        match what.split_once('/').unwrap_or((what, "")) {
            ("latency", millis) => {
                self.latency.set(Duration::from_millis(millis.parse().unwrap_or_default()));
            }
            ("hold", _) => self.held.set(true),
            ("release", _) => {
                self.held.set(false);
                self.release.notify_waiters();
            }
            _ => return self.waiting.get().to_string(),
        }
        String::new()
    }
}

fn write(answer: &mut Vec<u8>, body: &str) {
    use io::Write as _;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ";
    let _ = write!(answer, "{head}{}\r\n\r\n{body}", body.len());
}
