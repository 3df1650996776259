//! What a realtime session says after a good handshake.

use std::collections::HashSet;

use serde_json::{Value, json};
use valetkey::sandbox::XAI_KEY;

use super::support::{Socket, StandIn};

async fn session(stand_in: &StandIn) -> (Socket, Value) {
    let authorization = format!("Bearer {XAI_KEY}");
    let headers = [("authorization", authorization.as_str())];
    let mut socket = stand_in.socket("/v1/realtime?model=grok-voice-test", &headers).await;
    let created = socket.receive().await;
    (socket, created)
}

async fn until(socket: &mut Socket, last: &str) -> Vec<Value> {
    let mut events = Vec::new();
    loop {
        let event = socket.receive().await;
        let done = event["type"] == last;
        events.push(event);
        if done {
            return events;
        }
    }
}

fn user_says(text: &str) -> Value {
    let content = json!([{ "type": "input_text", "text": text }]);
    let item = json!({ "type": "message", "role": "user", "content": content });
    json!({ "type": "conversation.item.create", "item": item })
}

#[tokio::test]
async fn the_session_is_created_and_updated() {
    let stand_in = StandIn::start().await;
    let (mut socket, created) = session(&stand_in).await;
    assert_eq!(created["type"], "session.created");
    assert_eq!(created["session"]["model"], "grok-voice-test");
    assert!(created["event_id"].is_string());

    let changes = json!({ "voice": "ara", "audio": { "input": { "rate": 24000 } } });
    socket.send(&json!({ "type": "session.update", "session": changes })).await;
    let updated = socket.receive().await;
    assert_eq!(updated["type"], "session.updated");
    assert_eq!(updated["session"]["voice"], "ara");
    let changes = json!({ "audio": { "output": { "rate": 8000 } } });
    socket.send(&json!({ "type": "session.update", "session": changes })).await;
    let merged = socket.receive().await["session"].take();
    assert_eq!(merged["audio"], json!({ "input": { "rate": 24000 }, "output": { "rate": 8000 } }));
    assert_eq!(merged["voice"], "ara");
    assert_eq!(merged["id"], created["session"]["id"]);
}

#[tokio::test]
async fn a_response_says_the_users_text_back() {
    let stand_in = StandIn::start().await;
    let (mut socket, _) = session(&stand_in).await;
    socket.send(&user_says("good morning")).await;
    let added = socket.receive().await;
    assert_eq!(added["type"], "conversation.item.added");
    assert_eq!(added["item"]["content"][0]["text"], "good morning");
    assert!(added["item"]["id"].is_string());

    let metadata = json!({ "client_event_id": "abc" });
    socket.send(&json!({ "type": "response.create", "response": { "metadata": metadata } })).await;
    let events = until(&mut socket, "response.done").await;
    let types: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    let expected = [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_audio_transcript.delta",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.output_audio_transcript.done",
        "response.output_audio.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
    ];
    assert_eq!(types, expected);
    assert_eq!(events[0]["response"]["metadata"], metadata);
    assert_eq!(events[4]["delta"], "good ");
    assert_eq!(events[7]["transcript"], "good morning");
    assert!(events[6]["delta"].as_str().unwrap().len() > 1000);
    assert_eq!(events[11]["response"]["status"], "completed");
    assert!(events[11]["response"]["usage"]["total_tokens"].is_u64());
    events.iter().for_each(check_ids);
    let ids: HashSet<_> = events.iter().map(|event| event["event_id"].to_string()).collect();
    assert_eq!(ids.len(), events.len());
}

/// Clients drop events without these.
fn check_ids(event: &Value) {
    let name = event["type"].as_str().unwrap();
    assert!(event["event_id"].is_string(), "{event}");
    if !name.starts_with("response.") {
        return;
    }
    assert!(event["response_id"].is_string(), "{event}");
    if name == "response.created" || name == "response.done" {
        return;
    }
    assert!(event["item_id"].is_string(), "{event}");
    assert_eq!(event["output_index"], 0);
    assert_eq!(event["content_index"], 0);
}

#[tokio::test]
async fn a_response_may_be_text_alone() {
    let stand_in = StandIn::start().await;
    let (mut socket, _) = session(&stand_in).await;
    let response = json!({ "output_modalities": ["text"] });
    socket.send(&json!({ "type": "response.create", "response": response })).await;
    let events = until(&mut socket, "response.done").await;
    let said = events.iter().find(|event| event["type"] == "response.output_text.done").unwrap();
    assert_eq!(said["text"], "Hello from the sandbox.");
    assert!(!events.iter().any(|event| event["type"].as_str().unwrap().contains("audio")));
}

#[tokio::test]
async fn audio_is_buffered_committed_and_cleared() {
    let stand_in = StandIn::start().await;
    let (mut socket, _) = session(&stand_in).await;
    let append = json!({ "type": "input_audio_buffer.append", "audio": "AAAA" });
    let commit = json!({ "type": "input_audio_buffer.commit" });
    socket.send(&append).await;
    socket.send(&append).await;
    socket.send(&commit).await;
    let committed = socket.receive().await;
    assert_eq!(committed["type"], "input_audio_buffer.committed");
    let added = socket.receive().await;
    assert_eq!(added["type"], "conversation.item.added");
    assert_eq!(added["item"]["id"], committed["item_id"]);
    assert_eq!(added["item"]["content"][0]["transcript"], "6 bytes of audio");

    socket.send(&append).await;
    socket.send(&json!({ "type": "input_audio_buffer.clear" })).await;
    assert_eq!(socket.receive().await["type"], "input_audio_buffer.cleared");
    socket.send(&commit).await;
    assert_eq!(socket.receive().await["error"]["code"], "input_audio_buffer_commit_empty");
}

#[tokio::test]
async fn what_does_not_fit_is_an_event_and_the_session_goes_on() {
    let stand_in = StandIn::start().await;
    let (mut socket, _) = session(&stand_in).await;
    for (text, code, param) in [
        ("not json", "invalid_json", Value::Null),
        ("[1]", "invalid_value", json!("type")),
        (r#"{"type":"unheard.of","event_id":"mine"}"#, "invalid_value", json!("type")),
        (r#"{"type":"session.update","session":5}"#, "invalid_value", json!("session")),
        (r#"{"type":"conversation.item.create"}"#, "invalid_value", json!("item")),
        (r#"{"type":"input_audio_buffer.append","audio":"%"}"#, "invalid_value", json!("audio")),
        (r#"{"type":"response.cancel"}"#, "response_cancel_not_active", Value::Null),
    ] {
        socket.send_text(text).await;
        let event = socket.receive().await;
        assert_eq!(event["type"], "error", "{text}");
        assert_eq!(event["error"]["type"], "invalid_request_error");
        assert_eq!((&event["error"]["code"], &event["error"]["param"]), (&json!(code), &param));
        assert!(event["error"]["message"].is_string() && event["event_id"].is_string());
        let mine = if text.contains("mine") { json!("mine") } else { Value::Null };
        assert_eq!(event["error"]["event_id"], mine);
    }
    socket.send(&user_says("still here")).await;
    assert_eq!(socket.receive().await["type"], "conversation.item.added");
}

#[tokio::test]
async fn an_open_session_outlives_its_secret() {
    let stand_in = StandIn::start().await;
    let protocol = format!("xai-client-secret.{}", stand_in.xai_secret().await);
    let headers = [("sec-websocket-protocol", protocol.as_str())];
    let mut socket = stand_in.socket("/v1/realtime", &headers).await;
    assert_eq!(socket.receive().await["session"]["model"], "grok-voice-latest");
    stand_in.expire().await;
    socket.send(&user_says("hello")).await;
    assert_eq!(socket.receive().await["type"], "conversation.item.added");
}
