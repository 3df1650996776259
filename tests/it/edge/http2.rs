//! HTTP/2 without TLS, where the operator wants it.

use std::{
    io::{Read as _, Write as _},
    process::{Command, Output},
    time::Instant,
};

use super::{in_haste, raw, sandbox};
use crate::support::process::{PATIENCE, Server};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// An empty SETTINGS frame.
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

fn curl(args: &[&str]) -> Output {
    Command::new("curl")
        .args(["-sS", "-w", " %{http_version} %{response_code}"])
        .args(args)
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
#[ignore = "needs curl; scripts/test runs it"]
fn it_is_spoken_where_it_is_switched_on() {
    let server = Server::start(sandbox().env("VALETKEY__SERVER__HTTP2", "true"));
    let url = format!("{}/session", server.url);
    let prior = "--http2-prior-knowledge";
    let minted = told(&curl(&[prior, "-X", "POST", &url]));
    assert!(minted.ends_with(" 2 200") && minted.contains("expires_at"), "{minted}");
    let json = ["-H", "content-type: application/json", "-d", "{\"a\":1}"];
    let refused = told(&curl(&[&[prior, &url][..], &json].concat()));
    assert!(refused.ends_with(" 2 422") && refused.contains("invalid_request"), "{refused}");
    let host = told(&curl(&[prior, "-H", "host: a@b", &url]));
    assert!(host.ends_with(" 2 400"), "{host}");
    // HTTP/1.1 goes on, in whatever pieces it comes.
    assert!(told(&curl(&["-X", "POST", &url])).ends_with(" 1.1 200"));
    let mut socket = raw::sent(&server.url, b"P");
    for part in [&b"OST /session HT"[..], b"TP/1.1\r\nhost: x\r\n", b"\r\n"] {
        socket.write_all(part).unwrap();
    }
    assert_eq!(raw::read_one(&mut socket).status, 200);
    let mut odd = raw::sent(&server.url, b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
    assert_eq!(raw::read_one(&mut odd).code(), "malformed_request");
}

/// `GET /healthz` on a stream, with names and values from the static table where there are some.
fn request(stream: u8) -> Vec<u8> {
    let block = [&b"\x82\x86\x04\x08/healthz\x41\x01x"[..]].concat();
    let head = [0, 0, u8::try_from(block.len()).unwrap(), 1, 5, 0, 0, 0, stream];
    [&head[..], &block].concat()
}

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let server = Server::start(sandbox().env("VALETKEY__SERVER__HTTP2", "true"));
    let mut socket = raw::sent(&server.url, &[PREFACE, SETTINGS].concat());
    for stream in [1, 3, 5] {
        socket.write_all(&request(stream)).unwrap();
        let mut text = String::new();
        while !text.contains("{\"status\":\"ok\"}") {
            let mut buffer = [0; 4096];
            let read = socket.read(&mut buffer).unwrap();
            assert!(read > 0, "closed behind {text}");
            text.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
    }
}

#[test]
#[ignore = "needs curl; scripts/test runs it"]
fn it_is_not_spoken_otherwise() {
    let server = Server::start(&mut sandbox());
    let output =
        curl(&["--http2-prior-knowledge", "--max-time", "10", &format!("{}/healthz", server.url)]);
    assert!(!output.status.success(), "{}", told(&output));
    let mut socket = raw::sent(&server.url, &[PREFACE, SETTINGS].concat());
    let reply = raw::read_one(&mut socket);
    assert_eq!((reply.code().as_str(), reply.says_close()), ("malformed_request", true));
}

#[test]
fn a_silent_client_is_hung_up_on() {
    let server = Server::start(in_haste(sandbox().env("VALETKEY__SERVER__HTTP2", "true")));
    for begun in [&PREFACE[..9], PREFACE, &[PREFACE, SETTINGS].concat()] {
        let since = Instant::now();
        raw::read_all(&mut raw::sent(&server.url, begun));
        assert!(since.elapsed() < PATIENCE, "{} bytes: {:?}", begun.len(), since.elapsed());
    }
}

#[test]
fn it_stops_with_the_server() {
    let mut command = sandbox();
    command.env("VALETKEY__SERVER__HTTP2", "true").env("VALETKEY__SERVER__HEADER_TIMEOUT", "2m");
    let mut server = Server::start(&mut command);
    let _silent = raw::sent(&server.url, &[PREFACE, SETTINGS].concat());
    assert_eq!(server.terminate(), Some(0));
    assert!(server.output().contains("everything in flight was finished"));
}
