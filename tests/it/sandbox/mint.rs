//! The mint routes: every documented success and error.

use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::Method;
use serde_json::{Value, json};
use valetkey::sandbox::XAI_KEY;

use super::support::{SCRIBE_MINT, StandIn, XAI_MINT, json_of, sent};

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Mints with `body`; gives the seconds until the expiry.
async fn lifetime(stand_in: &StandIn, body: Option<&str>) -> u64 {
    let mut request = stand_in.mint_at(XAI_MINT);
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_owned());
    }
    let before = now();
    let (status, answer) = sent(request).await;
    assert_eq!(status, 200, "{answer}");
    answer["expires_at"].as_u64().unwrap() - before
}

#[tokio::test]
async fn xai_mints_with_any_body_an_sdk_sends() {
    let stand_in = StandIn::start().await;
    let with_session = r#"{"expires_after":{"anchor":"created_at","seconds":300},"session":{"type":"realtime","model":"grok"}}"#;
    for (body, seconds) in [
        (None, 600),
        (Some(""), 600),
        (Some("{}"), 600),
        (Some(r#"{"expires_after":{}}"#), 600),
        (Some(r#"{"expires_after":{"seconds":1}}"#), 1),
        (Some(r#"{"expires_after":{"seconds":3600}}"#), 3600),
        (Some(with_session), 300),
    ] {
        let got = lifetime(&stand_in, body).await;
        assert!((seconds..=seconds + 5).contains(&got), "{body:?}: {got}");
    }
}

#[tokio::test]
async fn xai_secrets_look_like_the_real_ones() {
    let stand_in = StandIn::start().await;
    let response = stand_in.mint_at(XAI_MINT).send().await.unwrap();
    assert!(response.headers().contains_key("x-request-id"));
    assert_eq!(response.headers()["valetkey-sandbox"], "1");
    assert_eq!(response.headers()["content-type"], "application/json");
    let answer = json_of(response).await;
    let value = answer["value"].as_str().unwrap();
    assert_eq!(value.len(), 107);
    assert!(value.starts_with("xai-realtime-client-secret-sandbox-"));
    assert!(value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
    assert_eq!(answer.as_object().unwrap().len(), 2);
    assert_ne!(stand_in.xai_secret().await, value);
}

#[tokio::test]
async fn xai_refuses_bodies_that_do_not_fit() {
    let stand_in = StandIn::start().await;
    for (body, status) in [
        (r#"{"expires_after":{"seconds":0}}"#, 400),
        (r#"{"expires_after":{"seconds":3601}}"#, 400),
        (r#"{"expires_after":{"seconds":-1}}"#, 400),
        (r#"{"expires_after":{"seconds":1.5}}"#, 400),
        (r#"{"expires_after":{"seconds":"300"}}"#, 400),
        (r#"{"expires_after":5}"#, 422),
        ("[]", 422),
        ("{", 400),
    ] {
        let request = stand_in.mint_at(XAI_MINT).header("content-type", "application/json");
        let (got, answer) = sent(request.body(body)).await;
        assert_eq!(got, status, "{body}: {answer}");
        assert_eq!(answer["code"], "invalid-argument", "{body}");
        assert!(answer["error"].is_string());
    }
    let untyped = stand_in.mint_at(XAI_MINT).body("{}");
    let (status, answer) = sent(untyped).await;
    assert_eq!((status, &answer["code"]), (415, &json!("unsupported-media-type")));
    assert!(stand_in.history().await.iter().all(|entry| entry["minted"] == false));
}

#[tokio::test]
async fn xai_takes_content_types_with_parameters() {
    let stand_in = StandIn::start().await;
    let request =
        stand_in.mint_at(XAI_MINT).header("content-type", "Application/JSON; charset=utf-8");
    assert_eq!(sent(request.body("{}")).await.0, 200);
}

#[tokio::test]
async fn xai_answers_400_to_a_wrong_key_and_repeats_a_part_of_it() {
    let stand_in = StandIn::start().await;
    let (status, answer) = sent(stand_in.post(XAI_MINT).bearer_auth("xai-abcdefghij-YZ")).await;
    assert_eq!((status, &answer["code"]), (400, &json!("invalid-argument")));
    let error = answer["error"].as_str().unwrap();
    assert!(error.starts_with("Incorrect API key provided: xa***YZ."), "{error}");

    let (_, answer) = sent(stand_in.post(XAI_MINT).bearer_auth("short")).await;
    assert!(!answer["error"].as_str().unwrap().contains("sh***"));
    // A secret is no key.
    let secret = stand_in.xai_secret().await;
    assert_eq!(sent(stand_in.post(XAI_MINT).bearer_auth(secret)).await.0, 400);
}

#[tokio::test]
async fn xai_answers_401_without_credentials() {
    let stand_in = StandIn::start().await;
    for authorization in [None, Some("Bearer"), Some("Bearer "), Some("Basic eDp5"), Some(XAI_KEY)]
    {
        let mut request = stand_in.post(XAI_MINT);
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let (status, answer) = sent(request).await;
        assert_eq!(status, 401, "{authorization:?}");
        assert_eq!(answer["code"], "unauthenticated:no-credentials");
    }
}

#[tokio::test]
async fn elevenlabs_mints_every_type() {
    let stand_in = StandIn::start().await;
    for token_type in ["realtime_scribe", "batch_scribe", "tts_websocket"] {
        let path = format!("/v1/single-use-token/{token_type}");
        let response = stand_in.mint_at(&path).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.headers().contains_key("request-id"));
        assert!(!response.headers().contains_key("x-request-id"));
        let answer = json_of(response).await;
        assert!(answer["token"].as_str().unwrap().starts_with("sutkn_sandbox_"));
        assert_eq!(answer.as_object().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn elevenlabs_refuses_keys_in_its_current_shape() {
    let stand_in = StandIn::start().await;
    for (key, code) in [(None, "missing_api_key"), (Some("sk_wrong"), "invalid_api_key")] {
        let mut request = stand_in.post(SCRIBE_MINT);
        if let Some(key) = key {
            request = request.header("xi-api-key", key);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401);
        let id = response.headers()["request-id"].to_str().unwrap().to_owned();
        let detail = json_of(response).await["detail"].take();
        assert_eq!(detail["type"], "authentication_error");
        assert_eq!((&detail["code"], &detail["status"]), (&json!(code), &json!(code)));
        assert_eq!(detail["request_id"], json!(id));
        assert!(detail["message"].is_string());
    }
}

#[tokio::test]
async fn elevenlabs_validates_the_token_type() {
    let stand_in = StandIn::start().await;
    let (status, answer) = sent(stand_in.mint_at("/v1/single-use-token/karaoke")).await;
    assert_eq!(status, 422);
    assert_eq!(answer["detail"][0]["loc"], json!(["path", "token_type"]));
    assert_eq!(answer["detail"][0]["input"], "karaoke");
}

#[tokio::test]
async fn wrong_methods_and_paths_are_refused_in_the_providers_shape() {
    let stand_in = StandIn::start().await;
    let get = |path| stand_in.request(Method::GET, path).send();
    for (path, status, allow, body) in [
        (XAI_MINT, 405, Some("POST"), json!({ "code": "method-not-allowed" })),
        (SCRIBE_MINT, 405, Some("POST"), json!({ "detail": "Method Not Allowed" })),
        ("/v1/realtime/other", 404, None, json!({ "code": "not-found" })),
        ("/v1/other", 404, None, json!({ "detail": "Not Found" })),
    ] {
        let response = get(path).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{path}");
        let got = response.headers().get("allow").map(|value| value.to_str().unwrap());
        assert_eq!(got, allow, "{path}");
        let got = json_of(response).await;
        for (name, value) in body.as_object().unwrap() {
            assert_eq!(&got[name], value, "{path}");
        }
    }
}

#[tokio::test]
async fn bodies_over_the_limit_are_refused() {
    let stand_in = StandIn::start().await;
    for path in [XAI_MINT, SCRIBE_MINT] {
        let (status, answer) = sent(stand_in.mint_at(path).body("x".repeat(17 * 1024))).await;
        assert_eq!(status, 413, "{path}: {answer}");
        assert_eq!(stand_in.history().await.last().unwrap()["status"], 413);
    }
}

#[tokio::test]
async fn preflights_pass_before_anything_else() {
    let stand_in = StandIn::start().await;
    stand_in.set(&["*:status=503"]).await;
    for path in [XAI_MINT, SCRIBE_MINT, "/v1/speech-to-text", "/v1/unknown", "/_sandbox/faults"] {
        let request = stand_in.request(Method::OPTIONS, path).header("origin", "https://a.example");
        let request = request.header("access-control-request-method", "POST");
        let wanted = "authorization,content-type,x-stainless-arch";
        let response =
            request.header("access-control-request-headers", wanted).send().await.unwrap();
        assert!(response.status().is_success(), "{path}");
        let header = |name: &str| response.headers()[name].to_str().unwrap();
        assert_eq!(header("access-control-allow-origin"), "*");
        assert_eq!(header("access-control-allow-headers"), wanted);
        assert_eq!(header("access-control-allow-methods"), "POST");
        assert_eq!(header("valetkey-sandbox"), "1");
    }
}

#[tokio::test]
async fn pages_may_read_errors_too() {
    let stand_in = StandIn::start().await;
    for path in [XAI_MINT, SCRIBE_MINT, "/v1/unknown"] {
        let request = stand_in.post(path).header("origin", "https://a.example");
        let response = request.send().await.unwrap();
        assert!(response.status().is_client_error());
        assert_eq!(response.headers()["access-control-allow-origin"], "*", "{path}");
        assert_eq!(response.headers()["access-control-expose-headers"], "*", "{path}");
        let _: Value = json_of(response).await;
    }
}
