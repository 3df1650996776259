//! Answers that never come, or never end, or end too soon.

use std::{
    io::Write as _,
    net::TcpStream,
    thread::sleep,
    time::{Duration, Instant},
};

use super::{
    Case, Counting, INVALID, LIMITED, REFUSED, Stage, TIMEOUT, UNAVAILABLE, UNREACHABLE, VENDED,
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
    let (drip, fast) = (Duration::from_millis(20), Duration::from_millis(1));
    let length = "HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{\"token\":\"";
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{\"token\":";
    let body = "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"value\":\"x\"";
    let cases = [
        ("hangs before the head", stalling("")),
        ("hangs in the status line", stalling("HTTP/1.1 20")),
        ("hangs in the head", stalling("HTTP/1.1 200 OK\r\ncontent-ty")),
        ("hangs after the head", stalling("HTTP/1.1 200 OK\r\n\r\n")),
        ("hangs in a chunk", stalling(chunk)),
        ("drips a head", repeating("HTTP/1.1 200 OK\r\nx: ", b"y", drip)),
        ("drips headers", repeating("HTTP/1.1 200 OK\r\n", b"x: y\r\n", drip * 3)),
        ("drips a body", repeating(length, b"x", drip)),
        ("drips chunks", repeating(chunked, b"1\r\nx\r\n", drip)),
        ("endless 102", repeating("", b"HTTP/1.1 102 x\r\n\r\n", drip)),
        ("endless 100, fast", repeating("", b"HTTP/1.1 100 x\r\n\r\n", fast)),
    ];
    let mut cases = Vec::from(cases.map(|(name, provider)| Case::eleven(name, provider, TIMEOUT)));
    cases.push(Case::xai("hangs in the body", stalling(body), TIMEOUT));
    // Its status came, and says enough, if there is time for it.
    let error = stalling("HTTP/1.1 503 x\r\ncontent-length: 9\r\n\r\n");
    let case = Case::eleven("an error whose body hangs", error, UNAVAILABLE);
    cases.push(case.with("timeout = \"5s\""));
    Stage::start(cases).play().await;
}

#[tokio::test]
async fn an_answer_that_breaks_off() {
    let writing = |text: &str| Counting::writing(text.as_bytes());
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"token\":\"sutkn_x\"}";
    let chunk =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n13\r\n{\"token\":\"sutkn_x\"}\r\n";
    let hung_up = "the provider cannot be reached: it closed the connection without an answer";
    let (head, error) = ("HTTP/1.1 200 OK\r\nx: ", "HTTP/1.1 503 x\r\ncontent-length: 9\r\n\r\n{");
    let cases = [
        ("closes without a byte", writing(""), UNAVAILABLE, hung_up),
        ("closes in the head", writing(head), UNAVAILABLE, hung_up),
        ("resets without a byte", resetting(""), UNAVAILABLE, hung_up),
        ("resets in the head", resetting(head), UNAVAILABLE, ""),
        ("resets in the body", resetting(cut), INVALID, "cut off"),
        ("closes in the body", writing(cut), INVALID, "cut off"),
        ("closes between chunks", writing(chunk), INVALID, "cut off"),
        ("resets in an error", resetting(error), UNAVAILABLE, ""),
    ];
    let cases =
        cases.map(|(name, provider, told, why)| Case::eleven(name, provider, told).saying(why));
    Stage::start(cases.into()).play().await;
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
    let many = "x: y\r\n".repeat(200);
    let twice = "chunked\r\ntransfer-encoding: chunked";
    let empty = format!("HTTP/1.1 205 x\r\ncontent-length: 19\r\n\r\n{body}");
    let no_http = [
        ("garbage", raw("\u{0}\u{1}garbage\r\n\r\n")),
        ("SSH", raw("SSH-2.0-OpenSSH_9.2\r\n")),
        ("HTTP/0.9", raw(body)),
        ("HTTP/3.0", raw("HTTP/3.0 200 OK\r\n\r\n")),
        ("status 20", raw("HTTP/1.1 20 OK\r\n\r\n")),
        ("status 99999", raw("HTTP/1.1 99999 OK\r\n\r\n")),
        ("two lengths", with("content-length: 19\r\ncontent-length: 5\r\n")),
        ("a length of -1", with("content-length: -1\r\n")),
        ("two hundred headers", with(&many)),
        ("chunked twice", chunked("chunked, chunked", "")),
        ("chunked on two lines", chunked(twice, "")),
        ("compressed", chunked("gzip, chunked", "")),
        ("chunked and a length", chunked("chunked", "content-length: 19\r\n")),
        ("205 with a body", raw(&empty)),
    ];
    let no_http =
        no_http.map(|(name, it)| Case::eleven(name, it, INVALID).saying("it is not HTTP"));
    let chunk = with("transfer-encoding: chunked\r\n\r\nffffffffffffffff1\r\n");
    let others = [
        ("a chunk of 2^64", chunk, INVALID),
        ("chunked", chunked("Chunked", ""), VENDED),
        ("the same length twice", with("content-length: 19\r\ncontent-length: 19\r\n"), VENDED),
        ("no length", with(""), VENDED),
    ];
    let others = others.map(|(name, provider, told)| Case::eleven(name, provider, told));
    let cases = no_http.into_iter().chain(others).collect();
    Stage::start(cases).play().await;
}
