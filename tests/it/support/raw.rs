//! A client that is a bare socket.

use std::{
    io::{ErrorKind, Read, Write as _},
    net::{Shutdown, TcpStream},
};

use serde_json::Value;

use super::{http::problem_code, process::PATIENCE};

/// One answer, and where it came.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    fn with_head(head: &str) -> Self {
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).expect(head);
        Self { status, head: head.to_owned(), body: String::new() }
    }

    /// How long its body is.
    fn length(&self) -> usize {
        let length = if self.status == 100 { None } else { self.header("content-length") };
        length.map_or(0, |it| it.parse().unwrap())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = || self.head.lines().filter_map(|line| line.split_once(": "));
        lines().find_map(|(it, value)| it.eq_ignore_ascii_case(name).then_some(value))
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }

    /// The code of a problem document, after checking that it is one in every respect.
    pub fn code(&self) -> String {
        problem_code(self.status, |name| self.header(name), &self.json())
    }

    /// The token of `/tokens/{type}`.
    pub fn token(&self) -> String {
        self.json()["token"].as_str().unwrap_or_else(|| panic!("no token: {self:?}")).to_owned()
    }

    /// What a pool had for it, where there is one.
    pub fn pool(&self) -> Option<&str> {
        self.header("server-timing")?.strip_prefix("pool;desc=\"")?.split('"').next()
    }

    pub fn is_hit(&self) -> bool {
        self.pool() == Some("hit")
    }

    pub fn says_close(&self) -> bool {
        self.header("connection") == Some("close")
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

/// The next answer, which must come.
pub fn read_one(socket: &mut impl Read) -> Reply {
    read_reply(socket).expect("closed without an answer")
}

/// The next answer, if it comes whole.
pub fn read_reply(socket: &mut impl Read) -> Option<Reply> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).ok()?;
        head.extend(byte);
    }
    let mut reply = Reply::with_head(String::from_utf8_lossy(&head).trim_end());
    let mut body = vec![0; reply.length()];
    socket.read_exact(&mut body).ok()?;
    reply.body = String::from_utf8_lossy(&body).into_owned();
    Some(reply)
}

/// The whole answers in `text`, and what is left.
pub fn split(mut text: &str) -> (Vec<Reply>, &str) {
    let mut replies = Vec::new();
    while let Some((head, rest)) = text.split_once("\r\n\r\n") {
        let mut reply = Reply::with_head(head);
        let Some((body, rest)) = rest.split_at_checked(reply.length()) else { break };
        body.clone_into(&mut reply.body);
        replies.push(reply);
        text = rest;
    }
    (replies, text)
}

/// Says that nothing more will be sent.
pub fn half_close(socket: &TcpStream) {
    socket.shutdown(Shutdown::Write).unwrap();
}
