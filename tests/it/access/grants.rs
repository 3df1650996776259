//! Who may have what.

use super::{Guarded, answer, key, outcome};

fn settings() -> String {
    let grants = r#"
        [[grants]]
        keys = ["batch"]
        tokens = ["batch_scribe"]
        [[grants]]
        keys = ["short"]
        max_ttl = "60s"
        tokens = ["xai_realtime"]
        [[grants]]
        keys = ["many"]
        limits = "many"
        [[grants]]
        origins = ["https://app.example"]
        via = ["key"]
        tokens = ["tts_websocket"]
        [limits.named.many.caller]
        rate = "1000/s"
        [limits.named.many.together]
        quota = "30/d"
        [limits.caller]
        rate = "3/h"
        [origins]
        allowed = ["https://app.example"]
    "#;
    let keys: String = ["batch", "short", "many", "nothing"].map(key).concat();
    format!("{grants}{keys}")
}

fn as_key(guarded: &Guarded, key: &str, path: &str) -> reqwest::RequestBuilder {
    guarded.post(path).bearer_auth(format!("vk_{key}"))
}

#[tokio::test]
async fn a_grant_says_which_token_types_and_for_how_long() {
    let guarded = Guarded::start(&settings());
    assert_eq!(outcome(as_key(&guarded, "batch", "/tokens/batch_scribe")).await, "ok");
    assert_eq!(outcome(as_key(&guarded, "batch", "/tokens/tts_websocket")).await, "forbidden");
    assert_eq!(outcome(as_key(&guarded, "batch", "/session")).await, "forbidden");
    assert_eq!(outcome(as_key(&guarded, "nothing", "/session")).await, "forbidden");
    let from_page = as_key(&guarded, "nothing", "/tokens/tts_websocket")
        .header("origin", "https://app.example");
    assert_eq!(outcome(from_page).await, "ok", "granted to that page");

    let body = r#"{"expires_after":{"seconds":61}}"#;
    let request = as_key(&guarded, "short", "/session").header("content-type", "application/json");
    let refused = answer(request.body(body)).await;
    assert_eq!(refused.code(), "invalid_request");
    assert!(refused.text.contains("from 1 to 60"), "{}", refused.text);
    let answer = answer(as_key(&guarded, "short", "/tokens/xai_realtime")).await;
    assert!(answer.json()["expires_in"].as_u64().unwrap() <= 60, "{}", answer.text);
    assert_eq!(guarded.minted().await, 3);
}

#[tokio::test]
async fn the_list_is_the_callers_own() {
    let guarded = Guarded::start(&settings());
    let list = async |key: &str| {
        let list = answer(guarded.get("/tokens").bearer_auth(format!("vk_{key}"))).await.json();
        list["tokens"].as_array().unwrap().clone()
    };
    let short = list("short").await;
    assert_eq!(short.len(), 1);
    assert_eq!(short[0]["ttl"], serde_json::json!({ "min": 1, "default": 60, "max": 60 }));
    assert_eq!(list("nothing").await.len(), 0);
    assert_eq!(list("many").await.len(), 4);
}

#[tokio::test]
async fn limits_by_name_take_the_place_of_the_usual_ones() {
    let guarded = Guarded::start(&settings());
    for n in 0..30 {
        assert_eq!(outcome(as_key(&guarded, "many", "/session")).await, "ok", "{n}");
    }
    assert_eq!(outcome(as_key(&guarded, "many", "/session")).await, "quota_exhausted");
    for _ in 0..3 {
        assert_eq!(outcome(as_key(&guarded, "batch", "/tokens/batch_scribe")).await, "ok");
    }
    let fourth = as_key(&guarded, "batch", "/tokens/batch_scribe");
    assert_eq!(outcome(fourth).await, "rate_limited");
}
