//! The stand-in provider: one thread that does nothing but answer, so that what is measured is what
//! stands in front of it. It is a process of its own.
//!
//! | route | does |
//! |---|---|
//! | `POST /v1/single-use-token/…` | mints: `{"token"}` |
//! | `POST /v1/realtime/client_secrets` | mints: `{"value", "expires_at"}` |
//! | `POST /control/latency/MS` | from now on a mint takes so long |
//! | `POST /control/hold`, `…/release` | mints hang until they are released |
//! | `POST /control/waiting` | how many mints hang or take their time |

use std::{
    cell::{Cell, RefCell},
    io,
    net::SocketAddr,
    rc::Rc,
    time::Duration,
};

use tokio::{io::AsyncWriteExt as _, net::TcpStream, sync::Notify};

use super::{
    http::{self, Connection, Message},
    role,
};

#[derive(Default)]
struct Provider {
    latency: Cell<Duration>,
    held: Cell<bool>,
    release: Notify,
    waiting: Cell<u64>,
    minted: Cell<u64>,
    scratch: RefCell<String>,
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

/// Serves on `address` for as long as the bench runs.
pub fn run(address: SocketAddr) {
    role::on_one_thread(async move {
        let listener = role::listen(address);
        let provider = Rc::new(Provider::default());
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    drop(tokio::task::spawn_local(serve(Rc::clone(&provider), stream)))
                }
                // Out of descriptors: some will be given back.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    });
}

async fn serve(provider: Rc<Provider>, mut stream: TcpStream) {
    let (mut buffer, mut last, mut answer) = (Vec::with_capacity(1024), None, Vec::new());
    let _ = stream.set_nodelay(true);
    while let Ok(Some(message)) = http::read(&mut stream, &mut buffer, last.take()).await {
        answer.clear();
        provider.answer(&message, &buffer, &mut answer).await;
        if stream.write_all(&answer).await.is_err() {
            return;
        }
        last = Some(message);
    }
}

impl Provider {
    async fn answer(&self, message: &Message, bytes: &[u8], answer: &mut Vec<u8>) {
        let head = message.head(bytes);
        let path = head.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        if let Some(control) = path.strip_prefix(b"/control/") {
            let text = self.control(&String::from_utf8_lossy(control));
            return write(answer, &text);
        }
        self.take_time().await;
        let number = self.minted.get();
        self.minted.set(number + 1);
        let mut text = self.scratch.borrow_mut();
        text.clear();
        use std::fmt::Write as _;
        let _ = if path.starts_with(b"/v1/realtime/client_secrets") {
            write!(text, r#"{{"value":"ek_{number:024}","expires_at":4000000000}}"#)
        } else {
            write!(text, r#"{{"token":"sutkn_{number:024}"}}"#)
        };
        write(answer, &text);
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
