//! How connections to a provider are used, seen by a provider that is a bare socket.

use std::{
    io::{BufReader, Write as _},
    net::TcpStream,
    sync::mpsc::{Sender, channel},
    time::Duration,
};

use crate::support::{process::Server, provider};

/// What happened at the provider.
#[derive(Debug, PartialEq, Eq)]
enum Event {
    Connected,
    Asked,
    /// The other side closed the connection while it was idle.
    Closed,
}

/// Keeps the connection open for ever and answers every request with a token.
fn keep_alive(stream: &TcpStream, events: &Sender<Event>) {
    let mut reader = BufReader::new(stream);
    let mut tokens = 0..;
    let _ = events.send(Event::Connected);
    while provider::read_request(&mut reader) {
        let _ = events.send(Event::Asked);
        // A single-use token is another each time.
        let token = tokens.next().unwrap();
        let body = format!("{{\"token\":\"sutkn_{token:04}\"}}");
        let _ = { stream }.write_all(provider::answer(200, "", &body).as_bytes());
    }
    let _ = events.send(Event::Closed);
}

#[tokio::test]
#[ignore = "waits for an idle time-out; scripts/test runs it"]
async fn a_connection_is_used_again_but_not_kept_idle_for_long() {
    let (sender, events) = channel();
    let url = provider::serving(move |stream| keep_alive(stream, &sender));
    let server = Server::in_front_of(&url);
    for _ in 0..2 {
        assert_eq!(server.post("/tokens/realtime_scribe").await.status, 200);
    }
    let next = || events.recv_timeout(Duration::from_secs(15)).expect("the connection stays open");
    assert_eq!([next(), next(), next()], [Event::Connected, Event::Asked, Event::Asked]);
    assert_eq!(next(), Event::Closed, "well before a provider would close it");
}
