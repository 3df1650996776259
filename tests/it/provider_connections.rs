//! How connections to a provider are used, seen by a provider that is a bare socket.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use crate::support::{http::post, process::Server};

/// What happened at the provider.
#[derive(Debug, PartialEq, Eq)]
enum Event {
    Connected,
    Asked,
    /// The other side closed the connection while it was idle.
    Closed,
}

/// A provider that keeps connections open for ever and answers every request with `body`.
fn provider(body: String) -> (String, Receiver<Event>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (events, seen) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (events, body) = (events.clone(), body.clone());
            thread::spawn(move || serve(&stream, &body, &events));
        }
    });
    (url, seen)
}

fn serve(stream: &TcpStream, body: &str, events: &Sender<Event>) {
    let mut reader = BufReader::new(stream);
    let _ = events.send(Event::Connected);
    while read_request(&mut reader) {
        let _ = events.send(Event::Asked);
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        let _ = (&*stream).write_all((head + body).as_bytes());
    }
    let _ = events.send(Event::Closed);
}

/// Reads a whole request; false at the end of the connection.
fn read_request(reader: &mut BufReader<&TcpStream>) -> bool {
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

#[tokio::test]
async fn a_connection_is_used_again_but_not_kept_idle_for_long() {
    let (url, events) = provider(r#"{"token":"sutkn_x"}"#.to_owned());
    let server = Server::in_front_of(&url);
    for _ in 0..2 {
        assert_eq!(post(&format!("{}/tokens/realtime_scribe", server.url)).await.status, 200);
    }
    let next = || events.recv_timeout(Duration::from_secs(15)).expect("the connection stays open");
    assert_eq!([next(), next(), next()], [Event::Connected, Event::Asked, Event::Asked]);
    assert_eq!(next(), Event::Closed, "well before a provider would close it");
}

#[tokio::test]
async fn an_answer_may_have_64_kib_and_not_a_byte_more() {
    let token = r#"{"token":"sutkn_x"}"#;
    let padded = |length: usize| token.to_owned() + &" ".repeat(length - token.len());
    for (length, status) in [(64 * 1024, 200), (64 * 1024 + 1, 502)] {
        let (url, _events) = provider(padded(length));
        let server = Server::in_front_of(&url);
        let answer = post(&format!("{}/tokens/realtime_scribe", server.url)).await;
        assert_eq!(answer.status, status, "{length}: {}", answer.text);
    }
}
