//! Requests that could be understood in two ways: each gets exactly one answer.

use super::{raw, records, sandbox};
use crate::support::process::Server;

/// Behind a request that leaves the connection open.
const PROBE: &str = "GET /healthz HTTP/1.1\r\nhost: probe\r\nconnection: close\r\n\r\n";

const OPEN: bool = false;
const CLOSED: bool = true;

/// Answered with `status` and the problem `code`, once, and the connection is then closed or not.
fn check(server: &Server, request: &str, status: u16, code: &str, closed: bool) {
    let shown: String = request.chars().take(200).collect();
    let mut socket = raw::sent(&server.url, request.as_bytes());
    let first = raw::read_one(&mut socket);
    assert_eq!(first.status, status, "{shown:?}: {}", first.body);
    if status >= 400 {
        assert_eq!(first.code(), code, "{shown:?}: {}", first.body);
    }
    assert_eq!(first.says_close(), closed, "{shown:?}: {}", first.head);
    if !closed {
        std::io::Write::write_all(&mut socket, PROBE.as_bytes()).unwrap();
        assert_eq!(raw::read_one(&mut socket).status, 200, "{shown:?}");
    }
    assert_eq!(raw::read_all(&mut socket), "", "{shown:?} has more than one answer");
}

/// `GET /healthz` with these lines for a head.
fn get(lines: &str) -> String {
    format!("GET /healthz HTTP/1.1\r\n{lines}\r\n")
}

/// `POST /session` with these lines besides, and this behind the head.
pub fn post(lines: &str, body: &str) -> String {
    format!("POST /session HTTP/1.1\r\nhost: x\r\n{lines}\r\n{body}")
}

#[test]
fn a_host_must_be_there_once_and_be_one() {
    let server = Server::start(&mut sandbox());
    let bad = |request: &str| check(&server, request, 400, "malformed_request", CLOSED);
    bad(&get(""));
    bad(&get("host: a\r\nhost: a\r\n"));
    bad(&get("host: a\r\nhost: b\r\n"));
    for host in [
        "", "a@b", "u:p@b", "a/b", "a b", "a:x", "a:0", "a:99999", "a,b", "[::1", "a?b", "http://a",
    ] {
        bad(&get(&format!("host: {host}\r\n")));
    }
    for target in [
        "http://b/healthz",
        "http://u@a/healthz",
        "http://a:81/healthz",
        "ftp://a/healthz",
        "a:80",
        "*",
    ] {
        bad(&format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n"));
    }
    bad("CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n");
    bad("GET http://a/healthz HTTP/1.1\r\n\r\n");
    check(&server, &get("host: A-b.example:8081\r\n"), 200, "", OPEN);
    check(&server, &get("host: [::1]:8081\r\n"), 200, "", OPEN);
    check(&server, "GET http://a:80/healthz HTTP/1.1\r\nhost: A\r\n\r\n", 200, "", OPEN);
    check(&server, "\r\nGET /healthz HTTP/1.1\r\nhost: a\r\n\r\n", 200, "", OPEN);
    let old = raw::read_all(&mut raw::sent(&server.url, b"GET /healthz HTTP/1.0\r\n\r\n"));
    assert!(old.starts_with("HTTP/1.0 200") && old.matches("HTTP/1.").count() == 1, "{old}");
}

#[test]
fn what_is_no_http_gets_a_document() {
    let server = Server::start(&mut sandbox());
    for line in [
        "nonsense",
        "GET",
        "GET /healthz",
        "GET /healthz HTTP/9.9",
        "GET /healthz HTTP/2.0",
        "GET /a b HTTP/1.1",
        "G\u{e9}T / HTTP/1.1",
        "\u{16}\u{3}\u{1}\u{2}\u{1}\u{fc}",
        "GET /\u{7f} HTTP/1.1",
    ] {
        check(&server, &format!("{line}\r\nhost: x\r\n\r\n"), 400, "malformed_request", CLOSED);
    }
    for line in ["a b: c", "a\u{b}: c", "host : x", " folded", "a: \u{0}", ": c", "a"] {
        check(&server, &get(&format!("host: x\r\n{line}\r\n")), 400, "malformed_request", CLOSED);
    }
    check(&server, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "malformed_request", CLOSED);
    let many = "a: b\r\n".repeat(64);
    check(&server, &get(&format!("host: x\r\n{many}")), 431, "headers_too_large", CLOSED);
    check(&server, &get(&format!("host: x\r\n{}", "a: b\r\n".repeat(63))), 200, "", OPEN);
    for size in [33_000, 40_000, 500_000] {
        let large = format!("host: x\r\na: {}\r\n", "b".repeat(size));
        check(&server, &get(&large), 431, "headers_too_large", CLOSED);
    }
    let path = |size: usize| format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(size));
    check(&server, &path(8 * 1024), 414, "uri_too_long", CLOSED);
    check(&server, &path(8 * 1024 - 1), 404, "not_found", OPEN);
    check(&server, &path(100_000), 431, "headers_too_large", CLOSED);
}

#[test]
fn an_answer_comes_before_the_document_behind_it() {
    let server = Server::start(&mut sandbox());
    let both = format!("{}garbage\r\n\r\n", get("host: x\r\n"));
    let text = raw::read_all(&mut raw::sent(&server.url, both.as_bytes()));
    let (replies, rest) = raw::split(&text);
    assert_eq!(replies.iter().map(|it| it.status).collect::<Vec<_>>(), [200, 400], "{text}");
    assert_eq!((replies[1].code().as_str(), rest), ("malformed_request", ""));
}

#[test]
fn a_body_ends_where_everyone_says_it_does() {
    let server = Server::start(&mut sandbox());
    let bad = |lines: &str, status: u16, code: &str| {
        // What follows would be a request of its own to whoever reads on.
        let smuggled = "0\r\n\r\nPOST /session HTTP/1.1\r\nhost: smuggled\r\n\r\n";
        check(&server, &post(lines, smuggled), status, code, CLOSED);
    };
    for coding in ["gzip, chunked", "chunked, chunked", "identity, chunked"] {
        bad(&format!("transfer-encoding: {coding}\r\n"), 501, "not_implemented");
    }
    bad("transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n", 501, "not_implemented");
    bad("transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n", 501, "not_implemented");
    for coding in ["gzip", "chunked, gzip", "xchunked", "chunked;q=1", "\"chunked\"", "identity"] {
        bad(&format!("transfer-encoding: {coding}\r\n"), 400, "malformed_request");
    }
    for length in ["-1", "+5", "5 5", "5, 5", "0x5", "5.0", "", "18446744073709551616", "５"] {
        bad(&format!("content-length: {length}\r\n"), 400, "malformed_request");
    }
    bad("content-length: 5\r\ncontent-length: 6\r\n", 400, "malformed_request");
    for length in ["16385", "9223372036854775808"] {
        bad(&format!("content-length: {length}\r\n"), 413, "body_too_large");
    }
    // More than hyper can count is too large to it, whatever it is that is.
    bad("content-length: 18446744073709551614\r\n", 431, "headers_too_large");
    for expectation in ["foo", "100-continue, foo", ""] {
        bad(&format!("expect: {expectation}\r\n"), 417, "expectation_failed");
    }
    let old = "POST /session HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    check(&server, old, 400, "malformed_request", CLOSED);
    for chunk in ["zz\r\n", "-1\r\n", "fffffffffffffffff\r\n", "1\r\nab\r\n", "0x1\r\na\r\n"] {
        let request = post("transfer-encoding: chunked\r\n", chunk);
        check(&server, &request, 400, "malformed_request", CLOSED);
    }
}

/// hyper reads by the coding and drops the length. Whoever reads by the length would go on elsewhere,
/// so that nothing more is read.
#[test]
fn a_body_with_a_coding_ends_its_connection() {
    let server = Server::start(&mut sandbox());
    let next = "0\r\n\r\nPOST /session HTTP/1.1\r\nhost: smuggled\r\n\r\n";
    for lines in [
        "transfer-encoding: chunked\r\n",
        "Transfer-Encoding: Chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 60\r\n",
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
    ] {
        check(&server, &post(lines, next), 200, "", CLOSED);
    }
    // What comes last shows that nothing else was there before.
    check(&server, &post("", ""), 200, "", OPEN);
    assert_eq!(records(&server, 5).len(), 5, "as many as there were requests: {}", server.stdout());
}

#[test]
fn bodies_that_nobody_reads_do_no_harm() {
    let server = Server::start(&mut sandbox());
    let body = "POST /session HTTP/1.1\r\nhost: smuggled\r\n\r\n";
    let length = body.len();
    let lines = format!("host: x\r\ncontent-length: {length}\r\n");
    check(&server, &format!("GET /healthz HTTP/1.1\r\n{lines}\r\n{body}"), 200, "", OPEN);
    check(&server, &format!("POST /nowhere HTTP/1.1\r\n{lines}\r\n{body}"), 404, "not_found", OPEN);
    let preflight = "origin: https://a.example\r\naccess-control-request-method: POST\r\n";
    let preflight = format!("OPTIONS /session HTTP/1.1\r\n{lines}{preflight}\r\n{body}");
    check(&server, &preflight, 200, "", OPEN);
    // A part of it would be there too late.
    let part = format!("GET /healthz HTTP/1.1\r\n{lines}\r\n{}", &body[..9]);
    check(&server, &part, 200, "", CLOSED);
    check(
        &server,
        &post("content-length: 2\r\ncontent-length: 2\r\ncontent-type: application/json\r\n", "{}"),
        200,
        "",
        OPEN,
    );
    assert_eq!(records(&server, 1).len(), 1, "nothing else was asked for: {}", server.stdout());
}

#[test]
fn whoever_may_not_ask_is_not_asked_for_a_body() {
    let mut command = sandbox();
    command
        .env("VALETKEY__AUTH__KEYS__0__ID", "first")
        .env("VALETKEY__AUTH__KEYS__0__SHA256", "0".repeat(64));
    let server = Server::start(&mut command);
    let request = post("expect: 100-continue\r\ncontent-length: 2\r\n", "");
    check(&server, &request, 401, "unauthenticated", CLOSED);
    let open = Server::start(&mut sandbox());
    let lines = "expect: 100-continue\r\ncontent-length: 2\r\ncontent-type: application/json\r\n";
    let mut socket = raw::sent(&open.url, post(lines, "").as_bytes());
    assert_eq!(raw::read_one(&mut socket).status, 100, "whoever may is");
    std::io::Write::write_all(&mut socket, b"{}").unwrap();
    assert_eq!(raw::read_one(&mut socket).status, 200);
}
