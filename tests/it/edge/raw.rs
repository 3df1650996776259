//! A client that is a bare socket.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Shutdown, TcpStream},
    time::{Duration, Instant},
};

use crate::support::process::PATIENCE;

/// One answer, and where it came.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    /// The code of the problem document.
    pub fn code(&self) -> String {
        let document: serde_json::Value = serde_json::from_str(&self.body).expect(&self.head);
        for header in ["content-type: application/problem+json", "cache-control: no-store"] {
            assert!(self.head.contains(header), "{}", self.head);
        }
        assert!(self.head.contains("x-content-type-options: nosniff"), "{}", self.head);
        let id = document["request_id"].as_str().unwrap();
        assert!(self.head.contains(&format!("x-request-id: {id}")), "{}", self.head);
        assert_eq!(document["status"], self.status);
        document["code"].as_str().unwrap().to_owned()
    }

    pub fn says_close(&self) -> bool {
        self.head.to_ascii_lowercase().contains("\r\nconnection: close")
    }
}

/// A connection to `url`.
pub fn connect(url: &str) -> TcpStream {
    let socket = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.set_nodelay(true).unwrap();
    socket
}

/// A connection that has sent `bytes`, of which the server need not take all.
pub fn sent(url: &str, bytes: &[u8]) -> TcpStream {
    let mut socket = connect(url);
    let _ = socket.write_all(bytes);
    socket
}

/// Everything that comes until the server hangs up, which it must.
pub fn read_all(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = socket.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    match read {
        Ok(_) => text,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => text,
        Err(error) => panic!("{error} behind {text}"),
    }
}

/// The next answer.
pub fn read_one(socket: &mut TcpStream) -> Reply {
    let mut bytes = Vec::new();
    let mut byte = [0];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let (mut replies, "") = split(&text)
            && let Some(reply) = replies.pop()
        {
            return reply;
        }
        assert_eq!(socket.read(&mut byte).unwrap(), 1, "closed behind {text:?}");
        bytes.push(byte[0]);
    }
}

/// The whole answers in `text`, and what is left.
pub fn split(mut text: &str) -> (Vec<Reply>, &str) {
    let mut replies = Vec::new();
    while let Some((head, rest)) = text.split_once("\r\n\r\n") {
        let status = head.split(' ').nth(1).unwrap().parse().expect(head);
        let lines = head.lines().map(str::to_ascii_lowercase);
        let mut length =
            lines.filter_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let length: usize = if status == 100 { 0 } else { length.next().unwrap_or(0) };
        if rest.len() < length {
            break;
        }
        let (body, rest) = rest.split_at(length);
        replies.push(Reply { status, head: head.to_owned(), body: body.to_owned() });
        text = rest;
    }
    (replies, text)
}

/// Sends what `next` gives, each after a pause, until the server hangs up; how long that took.
pub fn until_closed(
    socket: &mut TcpStream,
    pause: Duration,
    mut next: impl FnMut() -> Vec<u8>,
) -> Duration {
    let begun = Instant::now();
    socket.set_read_timeout(Some(pause)).unwrap();
    socket.set_write_timeout(Some(PATIENCE)).unwrap();
    let mut buffer = [0; 4096];
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => return begun.elapsed(),
            Ok(_) => (),
            Err(error) if error.kind() == ErrorKind::WouldBlock => (),
            Err(_) => return begun.elapsed(),
        }
        // The one who was answered may still be sending for a while.
        let _ = socket.write_all(&next());
        assert!(begun.elapsed() < 2 * PATIENCE, "it is still open");
    }
}

/// Says that nothing more will be sent.
pub fn half_close(socket: &TcpStream) {
    socket.shutdown(Shutdown::Write).unwrap();
}
