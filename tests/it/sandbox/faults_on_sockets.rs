//! Every kind of fault that sockets have.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use valetkey::sandbox::{ELEVENLABS_KEY, XAI_KEY};

use super::support::{Socket, StandIn};

const SOCKETS: [&str; 4] = [
    "/v1/realtime",
    "/v1/speech-to-text/realtime",
    "/v1/text-to-speech/v/stream-input",
    "/v1/text-to-speech/v/multi-stream-input",
];

fn keys() -> [(&'static str, String); 2] {
    [("authorization", format!("Bearer {XAI_KEY}")), ("xi-api-key", ELEVENLABS_KEY.to_owned())]
}

/// Makes the other side say something, if it has not already.
async fn provoke(socket: &mut Socket) {
    socket.send(json!({ "text": "Hello" })).await;
}

#[tokio::test]
async fn upgrades_may_be_refused_with_a_status() {
    let stand_in = StandIn::with_faults(&["*:status=429"]).await;
    let keys = keys();
    let keys = [(keys[0].0, keys[0].1.as_str()), (keys[1].0, keys[1].1.as_str())];
    for path in SOCKETS {
        let (status, body) = stand_in.try_socket(path, &keys).await.err().unwrap();
        assert_eq!(status, 429);
        assert!(body["code"].is_string() || body["detail"]["code"].is_string(), "{body}");
    }
}

#[tokio::test]
async fn upgrades_may_be_reset_or_hang() {
    let stand_in = StandIn::start().await;
    for path in SOCKETS {
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
    assert_eq!(socket.event().await["message_type"], "session_started");
}

#[tokio::test]
async fn sessions_may_be_reset_after_the_first_event() {
    let stand_in = StandIn::with_faults(&["*:reset=body"]).await;
    let keys = keys();
    let keys = [(keys[0].0, keys[0].1.as_str()), (keys[1].0, keys[1].1.as_str())];
    for path in SOCKETS {
        let mut socket = stand_in.socket(path, &keys).await;
        if path.contains("text-to-speech") {
            provoke(&mut socket).await;
        }
        assert!(socket.event().await.is_object());
        let end = socket.frame().await;
        assert!(matches!(end, Some(Err(_))), "{path}: {end:?}");
    }
}

#[tokio::test]
async fn upgrades_may_be_slow() {
    let stand_in = StandIn::with_faults(&["xai/realtime:latency=120ms"]).await;
    let begun = Instant::now();
    let mut socket = stand_in.socket(SOCKETS[0], &[("authorization", &keys()[0].1)]).await;
    assert!(begun.elapsed() >= Duration::from_millis(120));
    assert!(matches!(socket.frame().await, Some(Ok(Message::Text(_)))));
}

#[tokio::test]
async fn a_stop_ends_open_sessions() {
    let stand_in = StandIn::start().await;
    let mut socket = stand_in.socket(SOCKETS[0], &[("authorization", &keys()[0].1)]).await;
    assert_eq!(socket.event().await["type"], "session.created");
    stand_in.stop().await;
    assert!(!matches!(socket.frame().await, Some(Ok(Message::Text(_)))));
}
