//! A caller on a bare socket, who asks again and again until told to stop or cut off.

use std::{
    io::{BufReader, Write as _},
    net::TcpStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use serde_json::Value;

use crate::support::{process::PATIENCE, raw};

/// An answer that arrived whole.
#[derive(Debug)]
pub struct Reply {
    /// The request's name, as we gave it.
    pub id: String,
    pub status: u16,
    pub body: Value,
}

/// Callers that ask at the same time.
pub struct Clients {
    stop: Arc<AtomicBool>,
    replies: Arc<Mutex<Vec<Reply>>>,
    threads: Vec<JoinHandle<usize>>,
}

impl Clients {
    /// So many, each on a connection of its own to the server at `url`.
    pub fn start(count: usize, url: &str) -> Self {
        let (stop, replies) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<Reply>>>::default());
        let threads = (0..count).map(|name| {
            let (stop, replies) = (Arc::clone(&stop), Arc::clone(&replies));
            let address = url.trim_start_matches("http://").to_owned();
            thread::spawn(move || ask_on(name, &address, &stop, &replies))
        });
        let threads = threads.collect();
        Self { stop, replies, threads }
    }

    /// How many answers there are so far.
    pub fn answered(&self) -> usize {
        self.replies.lock().unwrap().len()
    }

    /// Ends each after its answer, and gives all answers and how many requests got none.
    pub fn stop(self) -> (Vec<Reply>, usize) {
        self.stop.store(true, Ordering::SeqCst);
        let unanswered = self.threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        (std::mem::take(&mut self.replies.lock().unwrap()), unanswered)
    }
}

/// How many requests got no answer: 1 for one who was cut off.
fn ask_on(name: usize, address: &str, stop: &AtomicBool, replies: &Mutex<Vec<Reply>>) -> usize {
    let Ok(stream) = TcpStream::connect(address) else { return 1 };
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reader = BufReader::new(&stream);
    for number in 0.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let id = format!("{name}-{number}");
        let request = format!("POST /session HTTP/1.1\r\nhost: x\r\nx-request-id: {id}\r\n\r\n");
        if { &stream }.write_all(request.as_bytes()).is_err() {
            return 1;
        }
        let Some(reply) = raw::read_reply(&mut reader) else { return 1 };
        let (status, body) = (reply.status, reply.json());
        replies.lock().unwrap().push(Reply { id, status, body });
    }
    0
}
