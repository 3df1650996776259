//! What is remembered of others goes on, where they are asked as before.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::{KEY, Running};
use crate::support::{
    http::Answer,
    now,
    provider::{self, ScriptedProvider},
};

/// Someone who is asked over HTTP and always says the same, but can be down.
fn answering(headers: &str, body: &str) -> (ScriptedProvider, Arc<AtomicBool>) {
    let (is_down, answer) = (Arc::<AtomicBool>::default(), provider::answer(200, headers, body));
    let down = is_down.clone();
    let script = move |_: &_| (!down.load(Relaxed)).then(|| answer.clone());
    (ScriptedProvider::start(script), is_down)
}

/// An issuer with one key, and a JWT of it.
fn issuer() -> (ScriptedProvider, Arc<AtomicBool>, String) {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let (x, y) = key.public_key().as_ref()[1..].split_at(32);
    let jwk = json!({ "kty": "EC", "crv": "P-256", "kid": "k", "x": encode(x), "y": encode(y) });
    let expires = now() + 600;
    let claims =
        json!({ "iss": "https://i.example", "aud": "voice", "sub": "ada", "exp": expires });
    let header = json!({ "alg": "ES256", "kid": "k" });
    let message = [header, claims].map(|it| encode(it.to_string().as_bytes())).join(".");
    let signature = key.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    let jwt = format!("{message}.{}", encode(signature.as_ref()));
    let (issuer, is_down) = answering("", &json!({ "keys": [jwk] }).to_string());
    (issuer, is_down, jwt)
}

#[tokio::test]
async fn an_issuers_keys_are_not_fetched_again_for_other_settings() {
    let (issuer, is_down, jwt) = issuer();
    let settings = |url: &str, more: &str| {
        format!(
            "[[auth.jwt]]\nissuer = \"https://i.example\"\naudience = \"voice\"\njwks_url = \
             \"{url}\"\nalgorithms = [\"ES256\"]\n{more}"
        )
    };
    let running = Running::start(&settings(&issuer.url, ""));
    let ask = async || Answer::to(running.post("/session").bearer_auth(&jwt)).await.outcome();
    assert_eq!(ask().await, "ok");
    assert_eq!(issuer.requests(), 1);
    // An issuer that is down locks nobody out because of a reload.
    is_down.store(true, Relaxed);
    for round in 0..5 {
        let other = format!("[tokens.xai_realtime]\nttl = \"{}s\"\n", round + 1);
        running.reload(&settings(&issuer.url, &other)).await;
        assert_eq!(ask().await, "ok");
    }
    running.reload(&settings(&issuer.url, "require = { scope = \"voice\" }\n")).await;
    assert_eq!(ask().await, "unauthenticated", "what is asked of a JWT has changed");
    running.reload(&settings(&issuer.url, "")).await;
    assert_eq!(ask().await, "ok");
    assert_eq!(issuer.requests(), 1);
    let detail = running.reload(&settings(&format!("{}/other", issuer.url), "")).await;
    assert_eq!(detail["reloads"], 8);
    assert_eq!(ask().await, "authentication_unavailable", "these are other keys");
    assert!(issuer.requests() > 1);
}

#[tokio::test]
async fn what_the_application_said_is_remembered_for_its_time() {
    let (application, _) = answering("remote-user: ada\r\n", "");
    let settings = |caller: &str, more: &str| {
        format!(
            "[auth.forward]\nurl = \"{}\"\ncookies = false\ncache = \"60s\"\ncaller = \
             \"header:{caller}\"\n{more}",
            application.url
        )
    };
    let running = Running::start(&settings("Remote-User", ""));
    let ask = async || Answer::to(running.post("/session").bearer_auth("x")).await.status.as_u16();
    assert_eq!(ask().await, 200);
    for round in 0..3 {
        let other = format!("[tokens.xai_realtime]\nttl = \"{}s\"\n", round + 1);
        running.reload(&settings("Remote-User", &other)).await;
        assert_eq!(ask().await, 200);
    }
    assert_eq!(application.requests(), 1);
    running.reload(&settings("Other-User", "")).await;
    assert_ne!(ask().await, 200, "another header names the caller");
    assert_eq!(application.requests(), 2);
}

#[tokio::test]
async fn connections_to_a_provider_whose_account_is_the_same_are_kept() {
    let running = Running::start("");
    assert_eq!(running.mint().await, KEY);
    for round in 0..3 {
        running.reload(&format!("[tokens.xai_realtime]\nttl = \"{}s\"\n", round + 1)).await;
        assert_eq!(running.mint().await, KEY);
    }
    assert_eq!(running.provider.connections(), 1);
    running.provider.take(&[KEY, "xai-second"]);
    running.replace("key", "xai-second");
    running.hang_up().await;
    assert_eq!(running.mint().await, "xai-second");
    assert_eq!(running.provider.connections(), 2);
}
