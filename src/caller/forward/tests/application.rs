//! A small application on a real socket.

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::sleep,
};

use crate::{
    caller::{Asking, Rejected, forward::Forward},
    settings::{self, CallerFrom},
};

/// What the application does with a request.
#[derive(Clone)]
pub(super) enum Act {
    Say(String),
    Hang,
    HangUp,
    /// Says this, and then a byte now and then.
    Drip(&'static str),
    /// Says this, and then a gigabyte.
    Flood(&'static str),
}

pub(super) struct Application {
    pub(super) url: String,
    /// The heads of the requests.
    pub(super) seen: Arc<Mutex<Vec<String>>>,
    /// How much was written beyond the start of an answer.
    pub(super) written: Arc<AtomicUsize>,
}

impl Application {
    pub(super) async fn start(act: Act) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/auth?of=voice", listener.local_addr().unwrap());
        let (seen, written) = (Arc::default(), Arc::default());
        let application = Self { url, seen: Arc::clone(&seen), written: Arc::clone(&written) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, act.clone(), seen.clone(), written.clone()));
            }
        });
        application
    }

    pub(super) fn forward(&self, change: impl FnOnce(&mut settings::Forward)) -> Forward {
        forward_to(&self.url, change)
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

async fn serve(
    mut stream: TcpStream,
    act: Act,
    seen: Arc<Mutex<Vec<String>>>,
    written: Arc<AtomicUsize>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    seen.lock().unwrap().push(String::from_utf8(head).unwrap());
    let (start, more, pause) = match &act {
        Act::Say(answer) => (answer.as_str(), 0, Duration::ZERO),
        Act::HangUp => ("", 0, Duration::ZERO),
        Act::Hang => ("", 1, Duration::from_secs(600)),
        Act::Drip(start) => (*start, 1, Duration::from_millis(20)),
        Act::Flood(start) => (*start, 64 * 1024, Duration::ZERO),
    };
    if stream.write_all(start.as_bytes()).await.is_err() || more == 0 {
        return;
    }
    while written.load(Ordering::SeqCst) < 1 << 30 {
        sleep(pause).await;
        if stream.write_all(&vec![b' '; more]).await.is_err() {
            return;
        }
        written.fetch_add(more, Ordering::SeqCst);
    }
}

pub(super) fn forward_to(url: &str, change: impl FnOnce(&mut settings::Forward)) -> Forward {
    let mut settings = settings::Forward {
        url: url.parse().unwrap(),
        timeout: Duration::from_secs(10),
        caller: CallerFrom::Header(HeaderName::from_static("x-user")),
        cookies: true,
        cache: Duration::ZERO,
    };
    change(&mut settings);
    Forward::new(&settings).unwrap()
}

pub(super) fn by_field(settings: &mut settings::Forward) {
    settings.caller = CallerFrom::Field(vec!["user".into(), "id".into()]);
}

pub(super) fn shortly(settings: &mut settings::Forward) {
    by_field(settings);
    settings.timeout = Duration::from_millis(200);
}

pub(super) fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers
}

pub(super) fn asking(headers: &HeaderMap) -> Asking<'_> {
    let client = IpAddr::from([203, 0, 113, 7]);
    let path = "/v1/voice";
    Asking { method: &Method::POST, path, headers, peer: client, peer_is_trusted: false, client }
}

pub(super) fn answer(status: &str, headers: &str, body: &str) -> Act {
    let length = body.len();
    let rest = format!("connection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    Act::Say(format!("HTTP/1.1 {status} X\r\n{headers}{rest}"))
}

pub(super) async fn outcome(
    act: Act,
    change: fn(&mut settings::Forward),
) -> Result<String, Rejected> {
    let application = Application::start(act).await;
    let credential = headers(&[("cookie", "session=canary")]);
    application.forward(change).ask(&asking(&credential)).await
}
