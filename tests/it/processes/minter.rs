//! A provider that takes its time and remembers every token that it made.

use std::{
    io::{BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::Chance;
use crate::support::{
    now,
    provider::{answer, read_request},
};

/// The provider, until it is stopped.
pub struct Minter {
    address: SocketAddr,
    known: Arc<Known>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Known {
    /// The requests that arrived whole.
    seen: AtomicUsize,
    minted: Mutex<Vec<String>>,
    stopping: AtomicBool,
    seed: AtomicU64,
}

impl Minter {
    /// A provider that takes up to 8 ms for each, as `seed` says.
    pub fn start(seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let known = Arc::new(Known { seed: seed.into(), ..Known::default() });
        let shared = Arc::clone(&known);
        let thread = Some(thread::spawn(move || accept(&listener, &shared)));
        Self { address, known, thread }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests it has seen so far.
    pub fn seen(&self) -> usize {
        self.known.seen.load(Ordering::SeqCst)
    }

    /// Serves whoever came before, and gives how many requests it saw and the tokens that it made.
    /// To be called when nobody is left on the other side.
    pub fn stop(mut self) -> (usize, Vec<String>) {
        self.known.stopping.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address).unwrap());
        self.thread.take().unwrap().join().unwrap();
        (self.seen(), std::mem::take(&mut self.known.minted.lock().unwrap()))
    }
}

fn accept(listener: &TcpListener, known: &Arc<Known>) {
    let mut connections = Vec::new();
    loop {
        if known.stopping.load(Ordering::SeqCst) {
            listener.set_nonblocking(true).unwrap();
        }
        let Ok((stream, _)) = listener.accept() else { break };
        let known = Arc::clone(known);
        connections.push(thread::spawn(move || serve(&stream, &known)));
    }
    for connection in connections {
        connection.join().unwrap();
    }
}

fn serve(stream: &TcpStream, known: &Known) {
    stream.set_nonblocking(false).unwrap();
    let mut reader = BufReader::new(stream);
    while read_request(&mut reader) {
        let number = known.seen.fetch_add(1, Ordering::SeqCst) as u64;
        let seed = known.seed.load(Ordering::SeqCst);
        thread::sleep(Duration::from_micros(Chance(seed ^ number).below(8_000)));
        let token = format!("token-{seed:x}-{number}");
        known.minted.lock().unwrap().push(token.clone());
        let expires_at = now() + 300;
        let body = format!("{{\"value\":\"{token}\",\"expires_at\":{expires_at}}}");
        if { stream }.write_all(answer(200, "", &body).as_bytes()).is_err() {
            return;
        }
    }
}
