//! A provider that is a bare socket, for answers that no HTTP library would give.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
};

/// A provider that answers every request with these bytes and hangs up. Its base URL.
pub fn answering(answer: impl Into<Vec<u8>>) -> String {
    let answer = answer.into();
    serving(move |stream| {
        if read_request(&mut BufReader::new(stream)) {
            let _ = { stream }.write_all(&answer);
        }
    })
}

/// A provider that answers every request with this status and body.
pub fn answering_with(status: u16, body: &str) -> String {
    let length = body.len();
    answering(format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n\r\n{body}"))
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

/// Reads a whole request; false at the end of the connection.
pub fn read_request(reader: &mut BufReader<&TcpStream>) -> bool {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return false;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            return reader.read_exact(&mut vec![0; length]).is_ok();
        }
    }
}
