//! Providers that do as a test says. Each is a bare socket, for answers that no HTTP library would give.

use std::{
    io::{BufRead as _, BufReader, Read, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// An answer in HTTP/1.1: a status, headers with their line ends, and a body.
pub fn answer(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} x\r\n{headers}content-length: {length}\r\n\r\n{body}")
}

/// A request, read whole.
pub struct ProviderRequest {
    /// The request line and the headers, in small letters but for the values.
    head: String,
    /// How many came before it.
    pub number: usize,
    /// How many came before it on its connection.
    pub on_connection: usize,
}

impl ProviderRequest {
    /// The value of a header, whose name is in small letters; empty where it is missing.
    pub fn header(&self, name: &str) -> &str {
        let lines = || self.head.lines().filter_map(|line| line.split_once(": "));
        lines().find_map(|(it, value)| (it == name).then_some(value)).unwrap_or_default()
    }

    pub fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    /// The API key, of whichever provider's kind.
    pub fn key(&self) -> &str {
        let bearer = self.header("authorization").trim_start_matches("Bearer ");
        if bearer.is_empty() { self.header("xi-api-key") } else { bearer }
    }
}

/// A provider that gives each request what a script says, over connections that it keeps.
#[derive(Clone)]
pub struct ScriptedProvider {
    /// Its base URL.
    pub url: String,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

impl ScriptedProvider {
    /// Writes what `script` gives. Hangs up where that is nothing, or says `connection: close`.
    pub fn start(
        script: impl Fn(&ProviderRequest) -> Option<String> + Clone + Send + 'static,
    ) -> Self {
        let (requests, connections) =
            (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (number, count) = (requests.clone(), connections.clone());
        let url = serving(move |stream| {
            count.fetch_add(1, SeqCst);
            let mut reader = BufReader::new(stream);
            for on_connection in 0.. {
                let Some(head) = read_head(&mut reader) else { return };
                let number = number.fetch_add(1, SeqCst);
                let answer = script(&ProviderRequest { head, number, on_connection });
                let Some(answer) = answer else { return };
                let is_written = { stream }.write_all(answer.as_bytes()).is_ok();
                if !is_written || answer.contains("connection: close") {
                    return;
                }
            }
        });
        Self { url, requests, connections }
    }

    /// How many requests it has seen.
    pub fn requests(&self) -> usize {
        self.requests.load(SeqCst)
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }
}

/// A provider that answers every request with these bytes and hangs up. Its base URL.
pub fn answering(bytes: impl Into<Vec<u8>>) -> String {
    Counting::writing(bytes).url
}

/// A provider that answers every request with this status and body. Its base URL.
pub fn answering_with(status: u16, body: &str) -> String {
    answering(answer(status, "", body))
}

/// A provider that does `serve` with every connection, in a thread each. Its base URL.
pub fn serving(serve: impl Fn(&TcpStream) + Clone + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            thread::spawn(move || serve(&stream));
        }
    });
    url
}

/// A provider that counts what it is asked.
pub struct Counting {
    /// Its base URL.
    pub url: String,
    requests: Arc<AtomicUsize>,
}

impl Counting {
    /// Does `act` after each request that it has read, and hangs up when that gives false.
    pub fn new(act: impl Fn(&TcpStream) -> bool + Clone + Send + 'static) -> Self {
        let requests = Arc::<AtomicUsize>::default();
        let count = requests.clone();
        let url = serving(move |stream| {
            let mut reader = BufReader::new(stream);
            while read_request(&mut reader) {
                count.fetch_add(1, SeqCst);
                if !act(stream) {
                    let _ = stream.shutdown(Shutdown::Write);
                    return;
                }
            }
        });
        Self { url, requests }
    }

    /// Writes this after each request, and hangs up.
    pub fn writing(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::new(move |stream| {
            let _ = { stream }.write_all(&answer);
            false
        })
    }

    /// Speaks TLS, and writes this after a request.
    pub fn over_tls(config: Arc<ServerConfig>, answer: &'static str) -> Self {
        let requests = Arc::<AtomicUsize>::default();
        let count = requests.clone();
        let url = serving(move |stream| {
            let tls = ServerConnection::new(config.clone()).unwrap();
            let mut reader = BufReader::new(StreamOwned::new(tls, stream));
            if read_request(&mut reader) {
                count.fetch_add(1, SeqCst);
                let tls = reader.get_mut();
                let _ = tls.write_all(answer.as_bytes());
                tls.conn.send_close_notify();
                let _ = tls.flush();
            }
            // Hanging up on what was not read would be a reset, which overtakes what was written.
            hang(stream);
        });
        Self { url: url.replace("http://127.0.0.1", "https://localhost"), requests }
    }

    /// How many requests it has seen.
    pub fn requests(&self) -> usize {
        self.requests.load(SeqCst)
    }
}

/// Somewhere that nobody has any business.
pub struct Elsewhere(TcpListener);

impl Elsewhere {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    /// Where it is: `127.0.0.1:…`.
    pub fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    /// Whether anyone came.
    pub fn was_visited(&self) -> bool {
        self.0.accept().is_ok()
    }
}

/// Reads and writes nothing until the other side hangs up.
pub fn hang(mut stream: &TcpStream) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
    while stream.read(&mut [0; 1024]).is_ok_and(|read| read > 0) {}
}

/// Breaks the connection off, so that the other side gets a reset (RST).
pub fn reset(stream: &TcpStream) {
    let _ = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
}

/// Reads a whole request; false at the end of the connection.
pub fn read_request(reader: &mut BufReader<impl Read>) -> bool {
    read_head(reader).is_some()
}

/// Reads a whole request, and gives its head with the names in small letters.
fn read_head(reader: &mut BufReader<impl Read>) -> Option<String> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return None;
        }
        if line == "\r\n" {
            reader.read_exact(&mut vec![0; length]).ok()?;
            return Some(head);
        }
        match line.split_once(':') {
            Some((name, value)) if !head.is_empty() => {
                head += &format!("{}: {}\n", name.to_lowercase(), value.trim());
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.trim().parse().unwrap();
                }
            }
            _ => head += &line,
        }
    }
}
