//! SIGTERM, whatever clients are doing.

use std::{net::TcpStream, thread, time::Duration};

use super::{in_front_of, raw};
use crate::support::{process::Server, provider};

fn server(drain: &str) -> Server {
    let hanging = provider::serving(|_| thread::sleep(Duration::from_secs(60)));
    Server::start_with(&mut in_front_of(&hanging), "0s", drain)
}

/// A client that has done nothing, asked once, sent half of something, or waits.
fn clients(server: &Server) -> Vec<(&'static str, bool, TcpStream)> {
    let url = &server.url;
    let mut idle = raw::sent(url, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(raw::read_one(&mut idle).status, 200);
    let body = b"POST /session HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{";
    let waiting = raw::sent(url, b"POST /session HTTP/1.1\r\nhost: x\r\n\r\n");
    let unread = raw::sent(url, &b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100));
    vec![
        ("fresh", true, raw::connect(url)),
        ("idle", true, idle),
        ("with half a head", false, raw::sent(url, b"GET /hea")),
        ("with half a body", false, raw::sent(url, body)),
        ("waiting for the provider", false, waiting),
        ("not reading", true, unread),
    ]
}

#[test]
fn it_ends_in_time_whatever_clients_do() {
    for (at, name) in
        ["fresh", "idle", "head", "body", "provider", "unread"].into_iter().enumerate()
    {
        let mut server = server("1500ms");
        let (state, ends_at_once, socket) = clients(&server).swap_remove(at);
        server.signal("TERM");
        assert_eq!(server.wait().code(), Some(0), "{name}: {state}");
        let finished = server.output().contains("everything in flight was finished");
        assert!(finished || !ends_at_once, "{state}: {}", server.output());
        drop(socket);
    }
}

#[test]
fn it_ends_in_time_with_all_of_them_at_once() {
    let mut server = server("1s");
    let _clients = clients(&server);
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    assert!(server.output().contains("server.drain ran out"));
}

#[test]
fn answers_are_the_last_while_it_stops() {
    let mut server = Server::start_with(&mut super::sandbox(), "1500ms", "5s");
    let mut idle = raw::sent(&server.url, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(!raw::read_one(&mut idle).says_close());
    server.signal("TERM");
    server.log_line(|line| line["message"].as_str().unwrap().starts_with("stopping"));
    for socket in [&mut idle, &mut raw::connect(&server.url)] {
        let request = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
        std::io::Write::write_all(socket, request).unwrap();
        let reply = raw::read_one(socket);
        assert!(reply.status == 200 && reply.says_close(), "{}", reply.head);
        assert_eq!(raw::read_all(socket), "");
    }
    assert_eq!(server.wait().code(), Some(0));
}
