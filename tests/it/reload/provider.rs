//! A provider that knows its keys and keeps who asked waiting when told to.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    sync::{Arc, Condvar, Mutex},
};

use crate::support::{process::PATIENCE, provider::serving};

/// Speaks xAI's route, and refuses every key but those that are good.
pub struct Provider {
    pub url: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Default)]
struct Inner {
    good: Vec<String>,
    /// How often each key was used.
    used: BTreeMap<String, usize>,
    connections: usize,
    is_held: bool,
}

impl Provider {
    /// One that takes these keys.
    pub fn taking(keys: &[&str]) -> Self {
        let state = Arc::<State>::default();
        let shared = state.clone();
        let url = serving(move |stream| shared.serve(stream));
        let provider = Self { url, state };
        provider.take(keys);
        provider
    }

    /// From here on these keys are good and no others.
    pub fn take(&self, keys: &[&str]) {
        self.state.inner.lock().unwrap().good = keys.iter().map(|key| (*key).to_owned()).collect();
    }

    /// How often `key` was used so far.
    pub fn used(&self, key: &str) -> usize {
        self.state.inner.lock().unwrap().used.get(key).copied().unwrap_or(0)
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> usize {
        self.state.inner.lock().unwrap().connections
    }

    /// Whether it answers nobody.
    pub fn hold(&self, is_held: bool) {
        self.state.inner.lock().unwrap().is_held = is_held;
        self.state.changed.notify_all();
    }
}

impl State {
    fn serve(&self, stream: &TcpStream) {
        self.inner.lock().unwrap().connections += 1;
        let mut reader = BufReader::new(stream);
        while let Some(key) = read_key(&mut reader) {
            let mut inner = self.inner.lock().unwrap();
            let count = inner.used.entry(key.clone()).or_default();
            *count += 1;
            // Backwards: a key itself is never handed out.
            let key_said: String = key.chars().rev().collect();
            let token = format!("token-{key_said}-{count:08}");
            let held = self.changed.wait_timeout_while(inner, PATIENCE, |inner| inner.is_held);
            let (status, body) = if held.unwrap().0.good.contains(&key) {
                (200, format!("{{\"value\":\"{token}\"}}"))
            } else {
                (401, "{}".to_owned())
            };
            let length = body.len();
            let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n\r\n{body}");
            if { stream }.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

/// The key of the next request; nothing at the end of the connection.
fn read_key(reader: &mut BufReader<&TcpStream>) -> Option<String> {
    let (mut key, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return None;
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        match name.to_lowercase().as_str() {
            "authorization" => key = value.trim().trim_start_matches("Bearer ").to_owned(),
            "content-length" => length = value.trim().parse().unwrap(),
            "\r\n" => {
                reader.read_exact(&mut vec![0; length]).ok()?;
                return Some(key);
            }
            _ => (),
        }
    }
}
