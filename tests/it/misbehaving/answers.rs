//! Answers that never come, or never end, or end too soon.

use std::{
    io::Write as _,
    net::TcpStream,
    thread::sleep,
    time::{Duration, Instant},
};

use super::{
    Case, Counting, INVALID, LIMITED, REFUSED, Stage, TIMEOUT, UNAVAILABLE, UNREACHABLE, VENDED,
    told,
};
use crate::support::provider::{hang, reset};

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

/// Writes this, and then nothing more for ever.
fn stalling(text: &'static str) -> Counting {
    Counting::new(move |stream| {
        let _ = { stream }.write_all(text.as_bytes());
        hang(stream);
        false
    })
}

/// Writes this again and again, until the other side has had enough.
fn repeating(first: &'static str, then: &'static [u8], pause: Duration) -> Counting {
    Counting::new(move |mut stream| {
        let begun = Instant::now();
        let _ = stream.write_all(first.as_bytes());
        while stream.write_all(then).is_ok() && begun.elapsed() < Duration::from_secs(30) {
            sleep(pause);
        }
        false
    })
}

/// Writes this and breaks the connection off.
fn resetting(text: &'static str) -> Counting {
    Counting::new(move |mut stream: &TcpStream| {
        let _ = stream.write_all(text.as_bytes());
        if !text.is_empty() {
            // What is still on its way when the reset comes is lost with it.
            sleep(Duration::from_millis(100));
        }
        reset(stream);
        false
    })
}

#[tokio::test]
async fn an_answer_that_does_not_come_to_its_end() {
    let drip = Duration::from_millis(20);
    let unavailable_though_it_hangs = told(503, "provider_unavailable", "unknown");
    let cases = vec![
        Case::eleven("hangs before the head", stalling(""), TIMEOUT),
        Case::eleven("hangs in the status line", stalling("HTTP/1.1 20"), TIMEOUT),
        Case::eleven("hangs in the head", stalling("HTTP/1.1 200 OK\r\ncontent-ty"), TIMEOUT),
        Case::eleven("hangs after the head", stalling("HTTP/1.1 200 OK\r\n\r\n"), TIMEOUT),
        Case::xai(
            "hangs in the body",
            stalling("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"value\":\"x\""),
            TIMEOUT,
        ),
        Case::eleven(
            "hangs in a chunk",
            stalling("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{\"token\":"),
            TIMEOUT,
        ),
        Case::eleven("drips a head", repeating("HTTP/1.1 200 OK\r\nx: ", b"y", drip), TIMEOUT),
        Case::eleven(
            "drips headers",
            repeating("HTTP/1.1 200 OK\r\n", b"x: y\r\n", drip * 3),
            TIMEOUT,
        ),
        Case::eleven(
            "drips a body",
            repeating("HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{\"token\":\"", b"x", drip),
            TIMEOUT,
        ),
        Case::eleven(
            "drips chunks",
            repeating("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n", drip),
            TIMEOUT,
        ),
        Case::eleven("endless 102", repeating("", b"HTTP/1.1 102 x\r\n\r\n", drip), TIMEOUT),
        Case::eleven(
            "endless 100, fast",
            repeating("", b"HTTP/1.1 100 x\r\n\r\n", Duration::from_millis(1)),
            TIMEOUT,
        ),
        Case::eleven(
            "an error whose body hangs",
            stalling("HTTP/1.1 503 x\r\ncontent-length: 9\r\n\r\n"),
            // Its status came, and says enough, if there is time for it.
            unavailable_though_it_hangs,
        )
        .with("timeout = \"5s\""),
    ];
    Stage::start(cases).play().await;
}

#[tokio::test]
async fn an_answer_that_breaks_off() {
    let writing = |text: &str| Counting::writing(text.as_bytes());
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"token\":\"sutkn_x\"}";
    let chunk =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n13\r\n{\"token\":\"sutkn_x\"}\r\n";
    let hung_up = "the provider cannot be reached: it closed the connection without an answer";
    let cases = vec![
        Case::eleven("closes without a byte", writing(""), UNAVAILABLE).saying(hung_up),
        Case::eleven("closes in the head", writing("HTTP/1.1 200 OK\r\nx: "), UNAVAILABLE)
            .saying(hung_up),
        Case::eleven("resets without a byte", resetting(""), UNAVAILABLE).saying(hung_up),
        Case::eleven("resets in the head", resetting("HTTP/1.1 200 OK\r\nx: "), UNAVAILABLE),
        Case::eleven("resets in the body", resetting(cut), INVALID).saying("cut off"),
        Case::eleven("closes in the body", writing(cut), INVALID).saying("cut off"),
        Case::eleven("closes between chunks", writing(chunk), INVALID).saying("cut off"),
        Case::eleven(
            "resets in an error",
            resetting("HTTP/1.1 503 x\r\ncontent-length: 9\r\n\r\n{"),
            UNAVAILABLE,
        ),
    ];
    Stage::start(cases).play().await;
}

#[tokio::test]
async fn an_errors_body_cannot_hide_its_status() {
    let bodies = [
        ("large", format!("content-length: 70000\r\n\r\n{}", "x".repeat(70_000))),
        ("cut off", "content-length: 500\r\n\r\n{".to_owned()),
    ];
    let statuses = [(401, REFUSED), (429, LIMITED), (503, UNREACHABLE)];
    let cases = bodies.iter().flat_map(|(kind, body)| {
        statuses.map(|(status, told)| {
            let answer = format!("HTTP/1.1 {status} x\r\nretry-after: 7\r\n{body}");
            Case::eleven(format!("{kind} {status}"), Counting::writing(answer), told)
        })
    });
    let (stage, outcomes) = Stage::start(cases.collect()).play_on().await;
    for (case, outcome) in stage.cases.iter().zip(outcomes) {
        let seconds = (case.told != REFUSED).then_some("7");
        assert_eq!(outcome.answer.header("retry-after"), seconds, "{}", case.name);
    }
}

#[tokio::test]
async fn an_answer_that_is_no_http() {
    let body = "{\"token\":\"sutkn_x\"}";
    let with = |headers: &str| Counting::writing(format!("{HEAD}{headers}\r\n{body}"));
    let raw = |text: &str| Counting::writing(text.as_bytes());
    let chunked = |encoding: &str, headers: &str| {
        let headers = format!("transfer-encoding: {encoding}\r\n{headers}");
        let body = format!("13\r\n{body}\r\n0\r\n\r\n");
        Counting::writing(format!("{HEAD}{headers}\r\n{body}"))
    };
    let not_http = "it is not HTTP";
    let many = "x: y\r\n".repeat(200);
    let cases = vec![
        Case::eleven("garbage", raw("\u{0}\u{1}garbage\r\n\r\n"), INVALID).saying(not_http),
        Case::eleven("SSH", raw("SSH-2.0-OpenSSH_9.2\r\n"), INVALID).saying(not_http),
        Case::eleven("HTTP/0.9", raw(body), INVALID).saying(not_http),
        Case::eleven("HTTP/3.0", raw("HTTP/3.0 200 OK\r\n\r\n"), INVALID).saying(not_http),
        Case::eleven("status 20", raw("HTTP/1.1 20 OK\r\n\r\n"), INVALID).saying(not_http),
        Case::eleven("status 99999", raw("HTTP/1.1 99999 OK\r\n\r\n"), INVALID).saying(not_http),
        Case::eleven("two lengths", with("content-length: 19\r\ncontent-length: 5\r\n"), INVALID)
            .saying(not_http),
        Case::eleven("a length of -1", with("content-length: -1\r\n"), INVALID).saying(not_http),
        Case::eleven(
            "a chunk of 2^64",
            with("transfer-encoding: chunked\r\n\r\nffffffffffffffff1\r\n"),
            INVALID,
        ),
        Case::eleven("two hundred headers", with(&many), INVALID).saying(not_http),
        Case::eleven("chunked twice", chunked("chunked, chunked", ""), INVALID).saying(not_http),
        Case::eleven(
            "chunked on two lines",
            chunked("chunked\r\ntransfer-encoding: chunked", ""),
            INVALID,
        )
        .saying(not_http),
        Case::eleven("compressed", chunked("gzip, chunked", ""), INVALID).saying(not_http),
        Case::eleven("chunked and a length", chunked("chunked", "content-length: 19\r\n"), INVALID)
            .saying(not_http),
        Case::eleven(
            "205 with a body",
            raw(&format!("HTTP/1.1 205 x\r\ncontent-length: 19\r\n\r\n{body}")),
            INVALID,
        )
        .saying(not_http),
        Case::eleven("chunked", chunked("Chunked", ""), VENDED),
        Case::eleven(
            "the same length twice",
            with("content-length: 19\r\ncontent-length: 19\r\n"),
            VENDED,
        ),
        Case::eleven("no length", with(""), VENDED),
    ];
    Stage::start(cases).play().await;
}
