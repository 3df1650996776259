//! Answers that are almost right, and ways of not answering, from a provider that is a bare socket.

use std::{
    io::{BufReader, Write as _},
    net::TcpListener,
    time::Duration,
};

use serde_json::json;

use crate::support::{
    http::Answer,
    process::Server,
    provider::{self, answering, answering_with},
};

async fn scribe(base_url: &str) -> Answer {
    let server = Server::in_front_of(base_url);
    server.post("/tokens/realtime_scribe").await
}

async fn session(base_url: &str) -> Answer {
    let server = Server::in_front_of(base_url);
    server.post_json("/session", r#"{"expires_after":{"seconds":60}}"#).await
}

fn in_seconds(seconds: i64) -> i64 {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    i64::try_from(now).unwrap() + seconds
}

#[tokio::test]
async fn an_answer_may_have_64_kib_and_not_a_byte_more() {
    let token = r#"{"token":"sutkn_x"}"#;
    for (length, status) in [(64 * 1024, 200), (64 * 1024 + 1, 502)] {
        let padded = token.to_owned() + &" ".repeat(length - token.len());
        let answer = scribe(&answering_with(200, &padded)).await;
        assert_eq!(answer.status, status, "{length}: {}", answer.text);
    }
}

#[tokio::test]
async fn an_errors_body_cannot_hide_its_status() {
    let bodies = [
        ("large", format!("content-length: 70000\r\n\r\n{}", "x".repeat(70_000))),
        ("cut off", "content-length: 500\r\n\r\n{".to_owned()),
    ];
    let statuses =
        [(401, "provider_refused"), (429, "provider_rate_limited"), (503, "provider_unavailable")];
    for (kind, body) in &bodies {
        for (status, code) in statuses {
            let head = format!("HTTP/1.1 {status} x\r\nretry-after: 7\r\n");
            let answer = scribe(&answering(head + body)).await;
            assert_eq!(answer.code(), code, "{kind} {status}");
            let seconds = (code != "provider_refused").then_some("7");
            assert_eq!(answer.header("retry-after"), seconds, "{kind} {status}");
        }
    }
    let dripping = provider::serving(|stream| {
        provider::read_request(&mut BufReader::new(stream));
        let head = "HTTP/1.1 503 x\r\ncontent-length: 500\r\n\r\n";
        let _ = { stream }.write_all(head.as_bytes());
        std::thread::sleep(Duration::from_secs(30));
    });
    assert_eq!(scribe(&dripping).await.code(), "provider_unavailable", "long before the deadline");
}

#[tokio::test]
async fn a_list_is_no_token() {
    for body in [r#"["forbidden"]"#, r#"{"token":["x"]}"#, r#""x""#, r#"{"token":""}"#] {
        assert_eq!(scribe(&answering_with(200, body)).await.code(), "provider_invalid_response");
    }
    let soon = in_seconds(50);
    for body in [
        json!(["quota_exceeded", soon]),
        json!({ "client_secret": ["quota_exceeded", soon] }),
        json!({ "value": "x", "expires_at": soon.to_string() }),
        json!({ "value": "a b", "expires_at": soon }),
        json!({ "value": "a/b", "expires_at": soon }),
    ] {
        let answer = session(&answering_with(200, &body.to_string())).await;
        assert_eq!(answer.code(), "provider_invalid_response", "{body}");
    }
}

#[tokio::test]
async fn a_token_may_not_live_longer_than_was_granted() {
    for (seconds, status) in [(60, 200), (30, 200), (119, 200), (300, 502), (-5, 502)] {
        let body = json!({ "value": "x", "expires_at": in_seconds(seconds) }).to_string();
        let answer = session(&answering_with(200, &body)).await;
        assert_eq!(answer.status, status, "in {seconds} s: {}", answer.text);
    }
}

#[tokio::test]
async fn any_success_will_do_that_has_a_token() {
    for (status, expected) in [(201, 200), (202, 200), (304, 502), (600, 502)] {
        let answer = scribe(&answering_with(status, r#"{"token":"x"}"#)).await;
        assert_eq!(answer.status, expected, "{status}: {}", answer.text);
    }
}

/// The log says why a provider cannot be reached, in words of ours.
#[tokio::test]
async fn the_ways_of_not_being_reached() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let no_tls = answering("not TLS at all, whoever asks").replace("http:", "https:");
    let hangs_up = provider::serving(|stream| {
        provider::read_request(&mut BufReader::new(stream));
    });
    for (base_url, why) in [
        (format!("http://{closed}"), "connection refused"),
        (no_tls, "the TLS handshake failed"),
        ("https://provider.invalid".to_owned(), "its name cannot be resolved"),
        (hangs_up, "it closed the connection without an answer"),
    ] {
        let server = Server::in_front_of(&base_url);
        let answer = server.post("/tokens/realtime_scribe").await;
        assert_eq!(answer.code(), "provider_unavailable");
        let line = server.log_line(|line| line["code"] == "provider_unavailable");
        assert_eq!(line["error"], format!("the provider cannot be reached: {why}"));
    }
}

#[tokio::test]
async fn a_redirect_takes_the_key_nowhere() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = elsewhere.local_addr().unwrap();
    for status in [301, 302, 303, 307, 308] {
        let head = format!("HTTP/1.1 {status} x\r\nlocation: http://{address}/\r\n");
        let answer = scribe(&answering(head + "content-length: 0\r\n\r\n")).await;
        assert_eq!(answer.code(), "provider_invalid_response", "{status}");
    }
    elsewhere.set_nonblocking(true).unwrap();
    assert!(elsewhere.accept().is_err(), "someone was asked elsewhere");
}
