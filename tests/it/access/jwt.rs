//! Callers with a JWT. How strictly it is read, the unit tests of `valetkey::caller` say.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::{Guarded, answer, outcome};
use crate::support::{now, provider::ScriptedProvider};

const SECRET: &str = "canary-secret-of-at-least-32-bytes!";

const SETTINGS: &str = r#"
    [[auth.jwt]]
    issuer = "https://login.example/"
    audience = "voice"
    secret = "env:JWT_SECRET"
    algorithms = ["HS256"]
    require = { scope = "voice" }
    [[grants]]
    claims = { plan = "pro" }
    [[grants]]
    tokens = ["batch_scribe"]
    max_ttl = "15m"
"#;

fn start() -> Guarded {
    Guarded::start_with(SETTINGS, &[("JWT_SECRET", SECRET)])
}

/// A JWT as the issuer would make it, with `changes` to its claims.
fn jwt(changes: &Value) -> String {
    let mut claims = json!({
        "iss": "https://login.example/", "aud": ["voice", "other"], "sub": "auth0|ada",
        "exp": now() + 300, "iat": now(), "scope": "openid voice",
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()
}

#[tokio::test]
async fn a_jwt_opens_what_its_claims_are_granted() {
    let guarded = start();
    let ask = |path: &str, changes: &Value| guarded.post(path).bearer_auth(jwt(changes));
    assert_eq!(outcome(ask("/tokens/batch_scribe", &json!({}))).await, "ok");
    assert_eq!(outcome(ask("/session", &json!({}))).await, "forbidden");
    assert_eq!(outcome(ask("/session", &json!({ "plan": "pro" }))).await, "ok");
    for wrong in [
        json!({ "aud": "other" }),
        json!({ "iss": "https://login.example" }),
        json!({ "exp": now() - 10 }),
        json!({ "nbf": now() + 60 }),
        json!({ "scope": "openid" }),
        json!({ "sub": 7 }),
        json!({ "sub": "" }),
    ] {
        assert_eq!(outcome(ask("/session", &wrong)).await, "unauthenticated", "{wrong}");
    }
    guarded.server.wait_for_stdout(r#""issuer":"https://login.example/""#);
    guarded.server.wait_for_stdout(r#""id":"auth0|ada""#);
}

#[tokio::test]
async fn each_user_is_counted_by_the_name_in_the_jwt() {
    let settings = format!("{SETTINGS}\n[limits.caller]\nrate = \"2/h\"\n");
    let guarded = Guarded::start_with(&settings, &[("JWT_SECRET", SECRET)]);
    let ask = |user: &str| {
        guarded.session().bearer_auth(jwt(&json!({ "sub": user, "plan": "pro", "jti": "x" })))
    };
    assert_eq!(outcome(ask("ada")).await, "ok");
    assert_eq!(outcome(ask("ada")).await, "ok");
    assert_eq!(outcome(ask("ada")).await, "rate_limited", "another JWT is no other user");
    assert_eq!(outcome(ask("bob")).await, "ok");
}

#[tokio::test]
async fn an_issuer_that_is_down_is_no_fault_of_the_callers() {
    let issuer = ScriptedProvider::start(|_| None);
    let settings = format!(
        "[[auth.jwt]]\nissuer = \"https://login.example/\"\naudience = \"voice\"\njwks_url = \
         \"{}/jwks\"\nalgorithms = [\"RS256\"]\n",
        issuer.url
    );
    let guarded = Guarded::start(&settings);
    assert_eq!(issuer.requests(), 0, "nothing is fetched before it is needed");
    let parts =
        [r#"{"alg":"RS256","kid":"k"}"#, r#"{"iss":"https://login.example/"}"#, "signature"];
    let parts = parts.map(|part| {
        base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, part)
    });
    for _ in 0..5 {
        let refused = answer(guarded.session().bearer_auth(parts.join("."))).await;
        assert_eq!(refused.code(), "authentication_unavailable");
    }
    assert!(issuer.requests() >= 1);
    let other = guarded.session().bearer_auth("a.b.c");
    assert_eq!(outcome(other).await, "unauthenticated", "that one is no issuer's");
}
