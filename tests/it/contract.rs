//! What the providers answer, as data: our adapters must understand each answer as the fixture
//! says. The sandbox is held against the same files.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
};

use serde_json::Value;

use crate::support::{
    fixture::{self, Fixture},
    http::post,
    process::Server,
};

/// A provider that answers every request with `fixture`, byte by byte as it says.
fn provider(fixture: &Fixture) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = fixture.bytes();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let _ = read_request(&stream).and_then(|()| (&stream).write_all(&answer));
        }
    });
    format!("http://{address}")
}

fn read_request(stream: &TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    reader.read_exact(&mut vec![0; length])
}

/// What the log must say of a classification, and what the caller must be told.
fn expected(classify: &str) -> (&'static str, &'static str) {
    match classify {
        "ok" => ("", ""),
        "key" => ("provider_refused", "does not accept the API key"),
        "key_or_request" => ("provider_refused", "the API key or, less likely, our request"),
        "credit" => ("provider_refused", "has no credit or quota left"),
        "permission" => ("provider_refused", "lacks the permission"),
        "credit_or_permission" => {
            ("provider_refused", "no credit left or the API key lacks the permission")
        }
        "request" => ("provider_refused", "does not take our request"),
        "rate_limited" => ("provider_rate_limited", "limits our rate"),
        "unavailable" => ("provider_unavailable", "is unavailable"),
        other => panic!("{other} is no classification"),
    }
}

async fn check(path: &str, fixture: &Fixture) {
    let mut server = Server::in_front_of(&provider(fixture));
    let answer = post(&format!("{}{path}", server.url)).await;
    let (code, reason) = expected(&fixture.classify);
    if code.is_empty() {
        assert_eq!(answer.status, 200, "{}: {}", fixture.name, answer.text);
        let token = fixture.body.get("value").or(fixture.body.get("token")).and_then(Value::as_str);
        assert!(answer.text.contains(token.unwrap()), "{}", fixture.name);
        return;
    }
    assert_eq!(answer.code(), code, "{}", fixture.name);
    let line = server.log_line(|line| line["code"] == code);
    let error = line["error"].as_str().unwrap();
    assert!(error.contains(reason), "{}: {error}", fixture.name);
    for text in fixture.prose() {
        assert!(!answer.text.contains(&text), "{} reached the caller: {text}", fixture.name);
        assert!(!server.output().contains(&text), "{} reached the log: {text}", fixture.name);
    }
}

#[tokio::test]
async fn xais_answers_are_understood() {
    for fixture in fixture::all("xai") {
        check("/session", &fixture).await;
    }
}

#[tokio::test]
async fn elevenlabs_answers_are_understood() {
    for fixture in fixture::all("elevenlabs") {
        check("/tokens/realtime_scribe", &fixture).await;
    }
}
