//! What a text-to-speech session says after a good handshake.

use serde_json::json;

use super::support::{Socket, StandIn};

async fn session(stand_in: &StandIn, path: &str) -> Socket {
    let token = stand_in.token("tts_websocket").await;
    stand_in.socket(&format!("/v1/text-to-speech/v/{path}?single_use_token={token}"), &[]).await
}

#[tokio::test]
async fn text_becomes_audio_until_an_empty_text_ends_it() {
    let stand_in = StandIn::start().await;
    let mut socket = session(&stand_in, "stream-input").await;
    socket.send(&json!({ "text": " ", "voice_settings": { "speed": 1 } })).await;
    for text in ["Hi ", "there "] {
        socket.send(&json!({ "text": text, "try_trigger_generation": true })).await;
        let chunk = socket.receive().await;
        assert!(chunk["audio"].as_str().unwrap().len() > 1000);
        assert!(chunk["isFinal"].is_null());
        let letters = chunk["alignment"]["chars"].as_array().unwrap();
        assert_eq!(letters.len(), text.len());
    }
    socket.send(&json!({ "text": "" })).await;
    assert_eq!(socket.receive().await["isFinal"], true);
    assert_eq!(socket.closed().await, 1000);
}

#[tokio::test]
async fn contexts_are_told_apart() {
    let stand_in = StandIn::start().await;
    let mut socket = session(&stand_in, "multi-stream-input").await;
    for context in ["a", "b"] {
        socket.send(&json!({ "text": "Hello", "context_id": context })).await;
        let chunk = socket.receive().await;
        assert!(chunk["audio"].is_string());
        assert_eq!(chunk["contextId"], context);
    }
    socket.send(&json!({ "context_id": "a", "close_context": true })).await;
    let last = socket.receive().await;
    assert_eq!((&last["contextId"], &last["isFinal"]), (&json!("a"), &json!(true)));
    socket.send(&json!({ "close_socket": true })).await;
    let last = socket.receive().await;
    assert_eq!((&last["contextId"], &last["isFinal"]), (&json!("b"), &json!(true)));
    assert_eq!(socket.closed().await, 1000);
}

#[tokio::test]
async fn the_number_of_contexts_is_limited() {
    let stand_in = StandIn::start().await;
    let mut socket = session(&stand_in, "multi-stream-input").await;
    for n in 0..5 {
        socket.send(&json!({ "text": "Hello", "context_id": n.to_string() })).await;
        assert!(socket.receive().await["audio"].is_string());
    }
    socket.send(&json!({ "text": "Hello", "context_id": "5" })).await;
    assert_eq!(socket.receive().await["code"], 1008);
    assert_eq!(socket.closed().await, 1008);
}

#[tokio::test]
async fn what_does_not_fit_closes_the_socket() {
    let stand_in = StandIn::start().await;
    for (path, text) in [
        ("stream-input", "not json"),
        ("stream-input", r#"{"text":5}"#),
        ("multi-stream-input", "not json"),
        ("multi-stream-input", "[]"),
    ] {
        let mut socket = session(&stand_in, path).await;
        socket.send_text(text).await;
        let refusal = socket.receive().await;
        assert_eq!(refusal["code"], 1008);
        assert_eq!(refusal["error"], "invalid_message");
        assert_eq!(socket.closed().await, 1008, "{path} {text}");
    }
}
