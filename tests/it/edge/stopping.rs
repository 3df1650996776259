//! SIGTERM, whatever clients are doing.

use std::{net::TcpStream, thread, time::Duration};

use super::{in_front_of, raw};
use crate::support::{process::Server, provider};

fn server(drain: &str) -> Server {
    let hanging = provider::serving(|_| thread::sleep(Duration::from_secs(60)));
    Server::start_with(&mut in_front_of(&hanging), "0s", drain)
}

/// What clients are doing, and whether that is over when the server stops.
const STATES: [(&str, bool); 6] = [
    ("nothing yet", true),
    ("nothing any more", true),
    ("half a head", false),
    ("half a body", false),
    ("waiting for the provider", false),
    ("not reading", true),
];

/// A client that does `what`.
fn client(server: &Server, what: &str) -> TcpStream {
    let healthz = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    match what {
        "nothing yet" => raw::connect(&server.url),
        "nothing any more" => {
            let mut socket = raw::sent(&server.url, healthz);
            assert_eq!(raw::read_one(&mut socket).status, 200);
            socket
        }
        "half a head" => raw::sent(&server.url, b"GET /hea"),
        "half a body" => {
            let head = b"POST /session HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{";
            raw::sent(&server.url, head)
        }
        "waiting for the provider" => {
            raw::sent(&server.url, b"POST /session HTTP/1.1\r\nhost: x\r\n\r\n")
        }
        "not reading" => raw::sent(&server.url, &healthz.repeat(100)),
        _ => unreachable!(),
    }
}

#[test]
fn it_ends_in_time_whatever_clients_do() {
    thread::scope(|scope| {
        for (what, is_over) in STATES {
            scope.spawn(move || {
                let mut server = server("3s");
                let mut client = client(&server, what);
                assert_eq!(server.terminate(), Some(0), "{what}");
                let finished = server.output().contains("everything in flight was finished");
                assert_eq!(finished, is_over, "{what}: {}", server.output());
                if what == "waiting for the provider" {
                    assert!(server.output().contains("server.drain ran out"), "{what}");
                    assert_eq!(raw::read_all(&mut client), "", "it is cut off");
                }
            });
        }
    });
}

#[test]
fn it_ends_in_time_with_all_of_them_at_once() {
    let mut server = server("1s");
    let _clients = STATES.map(|(what, _)| client(&server, what));
    assert_eq!(server.terminate(), Some(0));
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
