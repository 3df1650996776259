//! The mint routes: every documented success, and what `fixtures` does not have of the errors.

use reqwest::Method;
use valetkey::sandbox::XAI_KEY;

use super::support::{Answer, MINTS, SCRIBE_MINT, StandIn, XAI_MINT, sent};
use crate::support::now;

#[tokio::test]
async fn xai_mints_with_any_body_an_sdk_sends() {
    let stand_in = StandIn::start().await;
    let with_session = r#"{"expires_after":{"anchor":"created_at","seconds":300},"session":{"type":"realtime","model":"grok"}}"#;
    for (request, seconds) in [
        (stand_in.mint_at(XAI_MINT), 600),
        (stand_in.mint_with(""), 600),
        (stand_in.mint_with("{}"), 600),
        (stand_in.mint_with(r#"{"expires_after":{}}"#), 600),
        (stand_in.mint_with(r#"{"expires_after":{"seconds":1}}"#), 1),
        (stand_in.mint_with(r#"{"expires_after":{"seconds":3600}}"#), 3600),
        (stand_in.mint_with(with_session), 300),
    ] {
        let shown = format!("{request:?}");
        let before = now();
        let (status, answer) = sent(request).await;
        assert_eq!(status, 200, "{shown}: {answer}");
        let got = answer["expires_at"].as_u64().unwrap() - before;
        assert!((seconds..=seconds + 5).contains(&got), "{shown}: {got}");
    }
    let typed =
        stand_in.mint_at(XAI_MINT).header("content-type", "Application/JSON; charset=utf-8");
    assert_eq!(sent(typed.body("{}")).await.0, 200);
}

#[tokio::test]
async fn tokens_look_like_the_real_ones() {
    let stand_in = StandIn::start().await;
    let answer = Answer::to(stand_in.mint_at(XAI_MINT)).await;
    assert!(answer.header("x-request-id").is_some());
    assert_eq!(answer.header("valetkey-sandbox"), Some("1"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let value = answer.token();
    assert_eq!(value.len(), 107);
    assert!(value.starts_with("xai-realtime-client-secret-sandbox-"));
    assert!(value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
    assert_eq!(answer.json().as_object().unwrap().len(), 2);
    assert_ne!(stand_in.xai_secret().await, value);
    for token_type in ["realtime_scribe", "batch_scribe", "tts_websocket"] {
        let path = format!("/v1/single-use-token/{token_type}");
        let answer = Answer::to(stand_in.mint_at(&path)).await;
        assert_eq!(answer.status, 200);
        assert!(answer.header("request-id").is_some());
        assert_eq!(answer.header("x-request-id"), None);
        assert!(answer.token().starts_with("sutkn_sandbox_"));
        assert_eq!(answer.json().as_object().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn xai_refuses_bodies_that_do_not_fit() {
    let stand_in = StandIn::start().await;
    for (body, status) in [
        (r#"{"expires_after":{"seconds":3601}}"#, 400),
        (r#"{"expires_after":{"seconds":-1}}"#, 400),
        (r#"{"expires_after":{"seconds":1.5}}"#, 400),
        (r#"{"expires_after":{"seconds":"300"}}"#, 400),
        (r#"{"expires_after":5}"#, 422),
    ] {
        let (got, answer) = sent(stand_in.mint_with(body)).await;
        assert_eq!(got, status, "{body}: {answer}");
        assert_eq!(answer["code"], "invalid-argument", "{body}");
        assert!(answer["error"].is_string());
    }
    assert!(stand_in.history().await.iter().all(|entry| entry["minted"] == false));
}

#[tokio::test]
async fn xai_repeats_a_part_of_a_wrong_key() {
    let stand_in = StandIn::start().await;
    let error = async |key: &str| {
        let (status, answer) = sent(stand_in.post(XAI_MINT).bearer_auth(key)).await;
        assert_eq!((status, answer["code"].as_str()), (400, Some("invalid-argument")));
        answer["error"].as_str().unwrap().to_owned()
    };
    let told = error("xai-abcdefghij-YZ").await;
    assert!(told.starts_with("Incorrect API key provided: xa***YZ."), "{told}");
    assert!(!error("short").await.contains("sh***"));
    // A secret is no key.
    error(&stand_in.xai_secret().await).await;
    for authorization in ["Bearer", "Bearer ", "Basic eDp5", XAI_KEY] {
        let request = stand_in.post(XAI_MINT).header("authorization", authorization);
        let (status, answer) = sent(request).await;
        assert_eq!(status, 401, "{authorization}");
        assert_eq!(answer["code"], "unauthenticated:no-credentials");
    }
}

#[tokio::test]
async fn pages_may_ask_anything_and_read_errors_too() {
    let stand_in = StandIn::with_faults(&["*:status=503"]).await;
    let from_page =
        |method, path| stand_in.request(method, path).header("origin", "https://a.example");
    for path in [XAI_MINT, SCRIBE_MINT, "/v1/speech-to-text", "/v1/unknown", "/_sandbox/faults"] {
        let wanted = "authorization,content-type,x-stainless-arch";
        let request = from_page(Method::OPTIONS, path)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", wanted);
        let answer = Answer::to(request).await;
        assert!(answer.status.is_success(), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("access-control-allow-headers"), Some(wanted));
        assert_eq!(answer.header("access-control-allow-methods"), Some("POST"));
        assert_eq!(answer.header("valetkey-sandbox"), Some("1"));
    }
    stand_in.set(&[]).await;
    for path in [MINTS[0].0, MINTS[1].0, "/v1/unknown"] {
        let answer = Answer::to(from_page(Method::POST, path)).await;
        assert!(answer.status.is_client_error() && answer.json().is_object(), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
        assert_eq!(answer.header("access-control-expose-headers"), Some("*"), "{path}");
    }
}
