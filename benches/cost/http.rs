//! As much HTTP/1.1 as a lean client and a fast stand-in need: a head, and a body of a known length.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A head, and where in the buffer it and its body end.
pub struct Message {
    /// The status of an answer; of a request 0.
    pub status: u16,
    head: usize,
    end: usize,
}

impl Message {
    /// The head of the message at the beginning of `bytes`, its last empty line included.
    pub fn head<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[..self.head]
    }

    /// Its body.
    pub fn body<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.head..self.end]
    }
}

/// Takes what was read before out of `buffer`, and reads on to the end of a message. `None`: the
/// other side closed the connection between messages.
pub async fn read(
    from: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    before: Option<Message>,
) -> io::Result<Option<Message>> {
    if let Some(before) = before {
        buffer.drain(..before.end);
    }
    let mut searched: usize = 0;
    loop {
        let from_here = searched.saturating_sub(3);
        if let Some(at) = find(&buffer[from_here..], b"\r\n\r\n") {
            let head = from_here + at + 4;
            let (status, length) = understand(&buffer[..head])?;
            let end = head + length;
            while buffer.len() < end {
                if from.read_buf(buffer).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            return Ok(Some(Message { status, head, end }));
        }
        searched = buffer.len();
        match from.read_buf(buffer).await? {
            0 if buffer.is_empty() => return Ok(None),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ => (),
        }
    }
}

/// The status and the length of the body.
fn understand(head: &[u8]) -> io::Result<(u16, usize)> {
    let odd = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what);
    let status = match head.strip_prefix(b"HTTP/1.1 ") {
        Some(rest) => number(rest).ok_or_else(|| odd("a status that is no number"))?,
        None => 0,
    };
    if header(head, "transfer-encoding").is_some() {
        return Err(odd("a body of unknown length"));
    }
    let length = header(head, "content-length").map_or(Some(0), number);
    let status = u16::try_from(status).map_err(|_| odd("a status that is too long"))?;
    Ok((status, length.ok_or_else(|| odd("a length that is no number"))?))
}

/// The digits at the beginning.
fn number(text: &[u8]) -> Option<usize> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    std::str::from_utf8(&text[..end]).ok()?.parse().ok()
}

/// The value of the first header of this name, with what follows it.
pub fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut rest = head;
    while let Some(at) = find(rest, b"\r\n") {
        rest = &rest[at + 2..];
        let (key, value) = rest.split_at_checked(name.len())?;
        if key.eq_ignore_ascii_case(name.as_bytes()) && value.starts_with(b":") {
            return Some(value[1..].trim_ascii_start());
        }
    }
    None
}

pub fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|part| part == what)
}

/// A POST without a body.
pub fn post(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    request("POST", address, path, headers)
}

/// A request without a body.
pub fn request(method: &str, address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 0\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += "\r\n";
    text.into_bytes()
}

/// A client's connection, with one request at a time. It is opened again when the server closed it
/// between two requests, as servers may.
pub struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
    last: Option<Message>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = Some(connect(address).await?);
        Ok(Self { address, stream, buffer: Vec::with_capacity(4096), last: None })
    }

    /// Sends it, and reads the answer.
    pub async fn ask(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        let message = match self.attempt(request).await {
            Ok(Some(message)) => message,
            Ok(None) | Err(_) => {
                self.stream = None;
                let closed = || io::Error::from(io::ErrorKind::ConnectionAborted);
                self.attempt(request).await?.ok_or_else(closed)?
            }
        };
        let message = self.last.insert(message);
        Ok(Answer { message, bytes: &self.buffer })
    }

    async fn attempt(&mut self, request: &[u8]) -> io::Result<Option<Message>> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                self.buffer.clear();
                self.last = None;
                self.stream.insert(connect(self.address).await?)
            }
        };
        stream.write_all(request).await?;
        read(stream, &mut self.buffer, self.last.take()).await
    }
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// An answer, as long as the connection is not used again.
pub struct Answer<'a> {
    message: &'a Message,
    bytes: &'a [u8],
}

impl<'a> Answer<'a> {
    pub fn status(&self) -> u16 {
        self.message.status
    }

    pub fn body(&self) -> &'a [u8] {
        self.message.body(self.bytes)
    }

    /// Whether the token was there before it was asked for.
    pub fn is_hit(&self) -> bool {
        let timing = header(self.message.head(self.bytes), "server-timing");
        let line = timing.and_then(|text| text.split(|byte| *byte == b'\r').next());
        line.is_some_and(|line| find(line, b"pool;desc=\"hit\"").is_some())
    }
}
