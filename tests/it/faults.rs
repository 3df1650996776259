//! Faults of the sandbox, as a caller and the log see them. What becomes of each way in which a provider can
//! fail, `misbehaving` tries.

use serde_json::json;

use crate::support::process::{Server, sandbox};

/// A server whose providers have little time, so that a hang is soon over.
fn server() -> Server {
    Server::start(
        sandbox()
            .env("VALETKEY__PROVIDERS__XAI__TIMEOUT", "400ms")
            .env("VALETKEY__PROVIDERS__ELEVENLABS__TIMEOUT", "400ms"),
    )
}

#[tokio::test]
async fn faults_look_the_same_on_every_minting_route() {
    let server = server();
    server.set_faults(&["*:status=429,retry_after=30"]).await;
    let paths = [
        "/session",
        "/tokens/xai_realtime",
        "/tokens/realtime_scribe",
        "/tokens/batch_scribe",
        "/tokens/tts_websocket",
        "/v1/realtime/client_secrets",
        "/v1/single-use-token/tts_websocket",
    ];
    for path in paths {
        let answer = server.post(path).await;
        assert_eq!(answer.code(), "provider_rate_limited", "{path}");
        // Only the first one waits for as long as the provider said; for the others some has passed.
        let wait = answer.json()["retry_after"].as_u64().unwrap();
        assert!((10..=30).contains(&wait), "{path}: {wait}");
        assert_eq!(answer.json()["error"].is_object(), path.starts_with("/v1/"), "{path}");
    }
}

#[tokio::test]
async fn one_line_a_request_tells_all_but_the_token() {
    let server = server();
    let token = server.post("/session").await.json()["value"].clone();
    let line = server.log_line(|line| line["route"] == "/session");
    assert_eq!(line["level"], "INFO");
    for (field, value) in [
        ("method", json!("POST")),
        ("status", json!(200)),
        ("token_type", json!("xai_realtime")),
        ("provider", json!("xai")),
    ] {
        assert_eq!(line[field], value, "{line}");
    }
    let (all, upstream) =
        (line["latency_ms"].as_f64().unwrap(), line["upstream_ms"].as_f64().unwrap());
    assert!(all >= upstream && upstream > 0.0, "{line}");
    assert!(line["request_id"].is_string());
    server.set_faults(&["xai/mint:revoked"]).await;
    server.post("/session").await;
    let line = server.log_line(|line| line["code"] == "provider_refused");
    assert_eq!(line["level"], "ERROR", "someone has to be woken");
    assert_eq!(
        line["error"],
        "the provider refused us with status 400: \
         it does not accept the API key or, less likely, our request"
    );
    assert!(!server.end().contains(token.as_str().unwrap()));
}
