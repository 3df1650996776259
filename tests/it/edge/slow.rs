//! Clients that take their time: each is hung up on, within its deadline.

use std::{
    io::{ErrorKind, Write as _},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use super::{in_haste, raw, sandbox};
use crate::support::process::Server;

/// Deadlines of half a second, on a machine that has other things to do.
const SOON: Duration = Duration::from_secs(8);

const TICK: Duration = Duration::from_millis(40);

type Shape = (&'static str, &'static str, &'static [u8], Option<u16>);

/// What is sent at first, what then again and again, and how it is answered, if it is.
const SHAPES: [Shape; 11] = [
    ("nothing is sent", "", b"", None),
    ("half a request line", "GET /hea", b"", Some(408)),
    ("half a head", "GET /healthz HTTP/1.1\r\nhost: x\r\n", b"", Some(408)),
    ("a head, byte by byte", "GET /healthz HTTP/1.1\r\nhost: x\r\nx: ", b"a", Some(408)),
    ("one header after the other", "GET /healthz HTTP/1.1\r\nhost: x\r\n", b"x: y\r\n", Some(408)),
    ("empty lines", "", b"\r\n", Some(408)),
    (
        "a body that never comes",
        "POST /session HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n",
        b"",
        Some(408),
    ),
    (
        "a body, byte by byte",
        "POST /session HTTP/1.1\r\nhost: x\r\ncontent-length: 9999\r\n\r\n",
        b" ",
        Some(408),
    ),
    (
        "a body where none is read",
        "GET /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 9999\r\n\r\n",
        b" ",
        Some(200),
    ),
    (
        "endless chunks",
        "POST /session HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n",
        b"1\r\n \r\n",
        Some(408),
    ),
    (
        "an endless chunk extension",
        "POST /session HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1;",
        b"aaaa",
        Some(408),
    ),
];

#[test]
fn whoever_takes_his_time_is_told_so_and_hung_up_on() {
    let server = Server::start(in_haste(&mut sandbox()));
    let url = &server.url;
    thread::scope(|scope| {
        for (name, first, again, status) in SHAPES {
            scope.spawn(move || {
                let begun = Instant::now();
                let mut socket = raw::sent(url, first.as_bytes());
                let replies = if again.is_empty() {
                    raw::split(&raw::read_all(&mut socket)).0
                } else {
                    // Writing ends when the other side has hung up.
                    let mut writer = socket.try_clone().unwrap();
                    let drip = thread::spawn(move || {
                        while writer.write_all(again).is_ok() {
                            thread::sleep(TICK);
                        }
                    });
                    let reply = raw::read_one(&mut socket);
                    drip.join().unwrap();
                    vec![reply]
                };
                assert_eq!(replies.first().map(|it| it.status), status, "{name}: {replies:?}");
                assert!(replies.iter().all(raw::Reply::says_close), "{name}: {replies:?}");
                let is_told = replies.first().is_none_or(|it| it.body.contains("did not arrive"));
                assert!(name != "a body that never comes" || is_told, "{name}: {replies:?}");
                assert!(begun.elapsed() < SOON, "{name}: {:?}", begun.elapsed());
            });
        }
    });
    // What was too slow is told so, and what was no request leaves its own line.
    server.log_lines(1, |line| line["code"] == "request_timeout");
    server.log_lines(1, |line| line["message"] == "refused before it was a request");
}

#[test]
fn endless_bodies_end_at_16_kib() {
    let server = Server::start(&mut sandbox());
    let head = b"POST /session HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut socket = raw::sent(&server.url, head);
    let mut writer = socket.try_clone().unwrap();
    let flood = thread::spawn(move || while writer.write_all(b"1\r\n \r\n").is_ok() {});
    let reply = raw::read_one(&mut socket);
    assert_eq!((reply.status, reply.code().as_str()), (413, "body_too_large"));
    assert!(reply.says_close());
    drop(socket);
    flood.join().unwrap();
}

#[test]
#[ignore = "waits 15 s; scripts/test runs it"]
fn an_idle_connection_is_closed_without_a_word() {
    let server = Server::start(&mut sandbox());
    let mut socket = raw::sent(&server.url, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(raw::read_one(&mut socket).status, 200);
    let begun = Instant::now();
    assert_eq!(raw::read_all(&mut socket), "");
    assert!(begun.elapsed() > Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn whoever_never_reads_is_hung_up_on() {
    let server = Server::start(in_haste(&mut sandbox()));
    let mut socket = raw::connect(&server.url);
    socket.set_write_timeout(Some(SOON)).unwrap();
    let requests = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
    let error = loop {
        if let Err(error) = socket.write_all(&requests) {
            break error;
        }
    };
    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
}

#[test]
fn whoever_hangs_up_half_way_costs_nothing() {
    let server = Server::start(&mut sandbox());
    for first in ["", "GET /hea", "POST /session HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n"]
    {
        let mut socket: TcpStream = raw::sent(&server.url, first.as_bytes());
        raw::half_close(&socket);
        raw::read_all(&mut socket);
    }
}
