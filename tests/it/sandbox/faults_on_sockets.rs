//! Every kind of fault that sockets have.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use valetkey::sandbox::ELEVENLABS_KEY;

use super::support::StandIn;

const SOCKETS: [&str; 4] = [
    "/v1/realtime",
    "/v1/speech-to-text/realtime",
    "/v1/text-to-speech/v/stream-input",
    "/v1/text-to-speech/v/multi-stream-input",
];

/// The keys of both providers.
const KEYS: [(&str, &str); 2] =
    [("authorization", "Bearer xai-sandbox-key"), ("xi-api-key", ELEVENLABS_KEY)];

#[tokio::test]
async fn upgrades_may_be_refused_or_reset_or_hang() {
    let stand_in = StandIn::start().await;
    for path in SOCKETS {
        stand_in.set(&["*:status=429"]).await;
        let (status, body) = stand_in.refused(path, &KEYS).await;
        assert_eq!(status, 429);
        assert!(body["code"].is_string() || body["detail"]["code"].is_string(), "{body}");
        stand_in.set(&["*:reset=before"]).await;
        assert!(stand_in.dial(path, &[]).await.is_err(), "{path}");
        stand_in.set(&["*:hang"]).await;
        let waited = timeout(Duration::from_millis(100), stand_in.dial(path, &[])).await;
        assert!(waited.is_err(), "{path}");
    }
}

#[tokio::test]
async fn a_hanging_upgrade_does_not_use_the_token_up() {
    let stand_in = StandIn::with_faults(&["elevenlabs/scribe:hang,times=1"]).await;
    let path = format!("{}?token={}", SOCKETS[1], stand_in.token("realtime_scribe").await);
    assert!(timeout(Duration::from_millis(100), stand_in.dial(&path, &[])).await.is_err());
    let mut socket = stand_in.socket(&path, &[]).await;
    assert_eq!(socket.receive().await["message_type"], "session_started");
}

#[tokio::test]
async fn sessions_may_be_reset_after_the_first_event() {
    let stand_in = StandIn::with_faults(&["*:reset=body"]).await;
    for path in SOCKETS {
        let mut socket = stand_in.socket(path, &KEYS).await;
        if path.contains("text-to-speech") {
            // This one says nothing by itself.
            socket.send(&json!({ "text": "Hello" })).await;
        }
        assert!(socket.receive().await.is_object());
        let end = socket.frame().await;
        assert!(matches!(end, Some(Err(_))), "{path}: {end:?}");
    }
}

#[tokio::test]
async fn upgrades_may_be_slow_and_a_stop_ends_sessions() {
    let stand_in = StandIn::with_faults(&["xai/realtime:latency=120ms"]).await;
    let begun = Instant::now();
    let mut socket = stand_in.socket(SOCKETS[0], &KEYS).await;
    assert!(begun.elapsed() >= Duration::from_millis(120));
    assert_eq!(socket.receive().await["type"], "session.created");
    stand_in.stop().await;
    assert!(!matches!(socket.frame().await, Some(Ok(Message::Text(_)))));
}
