//! The providers' answers as recorded in `tests/fixtures`: the stand-ins must give each of them.
//!
//! The same files are what the provider adapters are tested with, so both sides agree on the shapes.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::support::{Answer, SCRIBE_MINT, StandIn, XAI_MINT};
use crate::support::fixture::{self, Fixture};

/// How to get an answer out of a stand-in.
enum Provoke {
    /// By a good mint while a fault is in force.
    Fault(&'static str),
    /// By a request of its own.
    Ask(fn(&StandIn) -> RequestBuilder),
}
use Provoke::{Ask, Fault};

#[tokio::test]
async fn xai_answers_as_recorded() {
    let provocations = [
        ("mint_ok", Ask(|s| s.mint_at(XAI_MINT))),
        ("incorrect_api_key", Ask(|s| s.post(XAI_MINT).bearer_auth("xai-0000000000"))),
        ("incorrect_api_key_legacy", Fault("xai:status=400,body=legacy")),
        ("invalid_argument", Ask(|s| s.mint_with(r#"{"expires_after":{"seconds":0}}"#))),
        ("malformed_json", Ask(|s| s.mint_with("{x"))),
        ("no_credentials", Ask(|s| s.post(XAI_MINT))),
        ("no_credentials_legacy", Fault("xai:status=401,body=legacy")),
        ("bad_credentials", Fault("xai:status=401,code=bad-credentials")),
        ("no_credits", Fault("xai:status=403")),
        ("permission_denied", Fault("xai:status=403,code=permission-denied")),
        ("team_blocked", Fault("xai:status=403,code=team-blocked")),
        ("expired_bearer", Fault("xai:status=403,code=bad-credentials")),
        ("not_found", Ask(|s| s.request(Method::GET, "/v1/realtime/other"))),
        ("method_not_allowed", Ask(|s| s.request(Method::GET, XAI_MINT))),
        ("body_too_large", Ask(|s| s.mint_at(XAI_MINT).body("x".repeat(17 * 1024)))),
        ("unsupported_media_type", Ask(|s| s.mint_at(XAI_MINT).body("{}"))),
        ("unprocessable", Ask(|s| s.mint_with("[]"))),
        ("rate_limited", Fault("xai:status=429,retry_after=60")),
        ("rate_limited_legacy", Fault("xai:status=429,body=legacy")),
        ("error_object", Fault("xai:status=429,body=object")),
        ("error_string", Fault("xai:status=503,body=string")),
        ("internal", Fault("xai:status=500")),
        ("unavailable", Fault("xai:status=503")),
        ("overloaded", Fault("xai:status=529")),
        ("bad_gateway", Fault("xai:status=502")),
    ];
    check("xai", XAI_MINT, &provocations).await;
}

#[tokio::test]
async fn elevenlabs_answers_as_recorded() {
    let provocations = [
        ("mint_ok", Ask(|s| s.mint_at(SCRIBE_MINT))),
        ("invalid_api_key", Ask(|s| s.post(SCRIBE_MINT).header("xi-api-key", "sk_0"))),
        ("invalid_api_key_other_region", Fault("elevenlabs:status=400,code=invalid_api_key")),
        ("invalid_api_key_legacy", Fault("elevenlabs:status=401,body=legacy")),
        ("missing_api_key", Ask(|s| s.post(SCRIBE_MINT))),
        ("unauthorized", Fault("elevenlabs:status=401,code=unauthorized")),
        ("missing_permissions", Fault("elevenlabs:status=401,code=missing_permissions")),
        ("quota_exceeded", Fault("elevenlabs:status=401,code=quota_exceeded")),
        ("insufficient_credits", Fault("elevenlabs:status=402")),
        ("forbidden", Fault("elevenlabs:status=403")),
        ("insufficient_permissions", Fault("elevenlabs:status=403,code=insufficient_permissions")),
        ("subscription_required", Fault("elevenlabs:status=403,code=subscription_required")),
        ("invalid_request", Fault("elevenlabs:status=400")),
        ("unknown_token_type", Ask(|s| s.mint_at("/v1/single-use-token/karaoke"))),
        ("not_found", Ask(|s| s.post("/v1/other"))),
        ("method_not_allowed", Ask(|s| s.request(Method::GET, SCRIBE_MINT))),
        ("conflict", Fault("elevenlabs:status=409")),
        ("body_too_large", Ask(|s| s.mint_at(SCRIBE_MINT).body("x".repeat(17 * 1024)))),
        ("rate_limit_exceeded", Fault("elevenlabs:status=429,retry_after=7")),
        (
            "concurrent_limit_exceeded",
            Fault("elevenlabs:status=429,code=concurrent_limit_exceeded"),
        ),
        ("system_busy", Fault("elevenlabs:status=429,code=system_busy")),
        (
            "too_many_concurrent_requests",
            Fault("elevenlabs:status=429,code=too_many_concurrent_requests"),
        ),
        ("detail_string", Fault("elevenlabs:status=429,body=string")),
        ("detail_list", Fault("elevenlabs:status=400,body=list")),
        ("internal_error", Fault("elevenlabs:status=500")),
        ("service_unavailable", Fault("elevenlabs:status=503")),
        ("maintenance", Fault("elevenlabs:status=503,code=maintenance")),
        ("bad_gateway", Fault("elevenlabs:status=502")),
    ];
    check("elevenlabs", SCRIBE_MINT, &provocations).await;
}

async fn check(provider: &str, mint: &str, provocations: &[(&str, Provoke)]) {
    let stand_in = StandIn::start().await;
    let fixtures = fixture::all(provider);
    assert_eq!(fixtures.len(), provocations.len(), "a fixture of {provider} is not provoked");
    for (name, provoke) in provocations {
        let file = format!("tests/fixtures/{provider}/{name}.json");
        let fixture = fixtures.iter().find(|fixture| fixture.name == file).expect(name);
        let request = match provoke {
            Ask(request) => {
                stand_in.set(&[]).await;
                request(&stand_in)
            }
            Fault(fault) => {
                stand_in.set(&[fault]).await;
                stand_in.mint_at(mint)
            }
        };
        compare(name, fixture, &Answer::to(request).await);
        let last = stand_in.last().await;
        assert_eq!(last["status"], fixture.status, "{name}");
        assert_eq!(last["minted"], *name == "mint_ok", "{name}");
    }
}

fn compare(name: &str, fixture: &Fixture, answer: &Answer) {
    assert_eq!(answer.status, fixture.status, "{name}");
    let allows = fixture.headers.contains_key("allow");
    assert_eq!(answer.header("allow").is_some(), allows, "{name}");
    for (header, value) in &fixture.headers {
        assert_eq!(answer.header(header), Some(value.as_str()), "{name}: {header}");
    }
    if fixture.body.is_null() {
        assert_eq!(answer.text, fixture.text, "{name}");
        return;
    }
    assert_eq!(skeleton(&answer.json()), skeleton(&fixture.body), "{name}");
    if let Some(id) = answer.json()["detail"].get("request_id") {
        assert_eq!(id.as_str(), answer.header("request-id"), "{name}");
    }
}

/// The shape of an answer: keys and types, and the values programs go by.
fn skeleton(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let fields = object.iter().map(|(name, value)| {
                let by_name = ["code", "type", "status", "loc", "input"].contains(&name.as_str());
                let telling = by_name || (name == "detail" && value.is_string());
                (name.clone(), if telling { value.clone() } else { skeleton(value) })
            });
            Value::Object(fields.collect())
        }
        Value::Array(items) => items.iter().map(skeleton).collect(),
        Value::String(_) => json!("a string"),
        Value::Number(_) => json!("a number"),
        Value::Bool(_) => json!("a boolean"),
        Value::Null => Value::Null,
    }
}
