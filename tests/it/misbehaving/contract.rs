//! What the providers answer, as data: our adapters must understand each answer as the fixture says. The
//! sandbox is held against the same files.

use serde_json::Value;

use super::{Case, Counting, LIMITED, REFUSED, Stage, Told, UNAVAILABLE, VENDED};
use crate::support::fixture;

/// What the caller must be told of a classification, and what the log must say.
fn expected(classify: &str) -> (Told, &'static str) {
    match classify {
        "ok" => (VENDED, ""),
        "key" => (REFUSED, "does not accept the API key"),
        "key_or_request" => (REFUSED, "the API key or, less likely, our request"),
        "credit" => (REFUSED, "has no credit or quota left"),
        "permission" => (REFUSED, "lacks the permission"),
        "credit_or_permission" => (REFUSED, "no credit left or the API key lacks the permission"),
        "request" => (REFUSED, "does not take our request"),
        "rate_limited" => (LIMITED, "limits our rate"),
        "unavailable" => (UNAVAILABLE, "is unavailable"),
        other => panic!("{other} is no classification"),
    }
}

async fn check(kind: &'static str) {
    let fixtures = fixture::all(kind);
    let case = |fixture: &fixture::Fixture| {
        let (told, why) = expected(&fixture.classify);
        let provider = Counting::writing(fixture.bytes());
        Case::new(&fixture.name, kind, provider, told).saying(why)
    };
    let stage = Stage::start(fixtures.iter().map(case).collect());
    let (stage, outcomes) = stage.play_on().await;
    for (fixture, outcome) in fixtures.iter().zip(outcomes) {
        let (name, answer) = (&fixture.name, outcome.answer.text);
        if fixture.classify == "ok" {
            let token = fixture.body.get("value").or(fixture.body.get("token"));
            assert!(answer.contains(token.and_then(Value::as_str).unwrap()), "{name}: {answer}");
        }
        for text in fixture.prose() {
            assert!(!answer.contains(&text), "{name} reached the caller: {text}");
            assert!(!stage.server.output().contains(&text), "{name} reached the log: {text}");
        }
    }
}

#[tokio::test]
async fn every_answer_is_understood() {
    for kind in ["xai", "elevenlabs"] {
        check(kind).await;
    }
}
