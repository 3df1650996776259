//! A caller with one connection, which it keeps.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
};

use serde_json::Value;

use crate::support::process::PATIENCE;

/// The caller.
pub struct Caller {
    reader: BufReader<TcpStream>,
    request: String,
}

/// What it got.
#[derive(Clone, Debug)]
pub struct Got {
    pub status: u16,
    /// What the pool had, where there is one.
    pub pool: Option<String>,
    pub body: Value,
}

impl Got {
    pub fn token(&self) -> &str {
        self.body["token"].as_str().unwrap_or_else(|| panic!("no token: {self:?}"))
    }

    pub fn is_hit(&self) -> bool {
        self.pool.as_deref() == Some("hit")
    }
}

impl Caller {
    pub fn connect(url: &str, path: &str) -> Self {
        let host = url.trim_start_matches("http://");
        let socket = TcpStream::connect(host).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_nodelay(true).unwrap();
        let request = format!("POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\n\r\n");
        Self { reader: BufReader::new(socket), request }
    }

    /// Asks, and waits for the answer.
    pub fn ask(&mut self) -> Got {
        self.reader.get_mut().write_all(self.request.as_bytes()).unwrap();
        let status = self.line();
        let status = status.split(' ').nth(1).unwrap_or_else(|| panic!("{status:?}"));
        let (status, mut pool, mut length) = (status.parse().unwrap(), None, 0);
        loop {
            let line = self.line();
            match line.split_once(": ") {
                Some(("content-length", text)) => length = text.parse().unwrap(),
                Some(("server-timing", text)) => {
                    let desc = text.strip_prefix("pool;desc=\"");
                    pool = desc.and_then(|it| it.split('"').next()).map(str::to_owned);
                }
                Some(_) => (),
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).unwrap();
        Got { status, pool, body: serde_json::from_slice(&body).unwrap() }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}
