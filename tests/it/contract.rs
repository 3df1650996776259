//! What the providers answer, as data: our adapters must understand each answer as the fixture
//! says. The sandbox is held against the same files.

use serde_json::Value;

use crate::support::{
    fixture::{self, Fixture},
    http::post,
    process::Server,
    provider,
};

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
    let mut server = Server::in_front_of(&provider::answering(fixture.bytes()));
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
    let output = server.end();
    for text in fixture.prose() {
        assert!(!answer.text.contains(&text), "{} reached the caller: {text}", fixture.name);
        assert!(!output.contains(&text), "{} reached the log: {text}", fixture.name);
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
