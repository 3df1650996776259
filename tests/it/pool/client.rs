//! A caller with one connection, which it keeps.

use std::{
    io::{BufReader, Write as _},
    net::TcpStream,
};

use crate::support::raw::{self, Reply};

/// The caller.
pub struct Caller {
    reader: BufReader<TcpStream>,
    request: String,
}

impl Caller {
    pub fn connect(url: &str, path: &str) -> Self {
        let request = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n");
        Self { reader: BufReader::new(raw::connect(url)), request }
    }

    /// Asks, and waits for the answer.
    pub fn ask(&mut self) -> Reply {
        self.reader.get_mut().write_all(self.request.as_bytes()).unwrap();
        raw::read_one(&mut self.reader)
    }
}
