//! What a Scribe session says after a good handshake.

use serde_json::{Value, json};

use super::support::{Socket, StandIn};

async fn session(stand_in: &StandIn, query: &str) -> (Socket, Value) {
    let token = stand_in.token("realtime_scribe").await;
    let path = format!("/v1/speech-to-text/realtime?token={token}&{query}");
    let mut socket = stand_in.socket(&path, &[]).await;
    let started = socket.receive().await;
    (socket, started)
}

fn chunk(audio: &str, commit: bool) -> Value {
    json!({
        "message_type": "input_audio_chunk",
        "audio_base_64": audio,
        "commit": commit,
        "sample_rate": 16000,
    })
}

#[tokio::test]
async fn the_session_repeats_its_settings_but_not_the_token() {
    let stand_in = StandIn::start().await;
    let query = "model_id=scribe_v2_realtime&commit_strategy=vad&vad_threshold=0.5";
    let (_socket, started) = session(&stand_in, query).await;
    assert_eq!(started["message_type"], "session_started");
    assert!(started["session_id"].is_string());
    assert_eq!(started["config"]["model_id"], "scribe_v2_realtime");
    assert_eq!(started["config"]["commit_strategy"], "vad");
    assert_eq!(started["config"]["vad_threshold"], 0.5);
    assert!(!started.to_string().contains("sutkn_"));
}

#[tokio::test]
async fn audio_becomes_partial_and_then_committed_transcripts() {
    let stand_in = StandIn::start().await;
    let (mut socket, _) = session(&stand_in, "include_timestamps=false").await;
    socket.send(&chunk("AAAA", false)).await;
    let heard = |n: u8| json!(format!("The sandbox heard {n} bytes."));
    let partial = socket.receive().await;
    assert_eq!(partial, json!({ "message_type": "partial_transcript", "text": heard(3) }));
    socket.send(&chunk("AAAA", true)).await;
    assert_eq!(socket.receive().await["text"], heard(6));
    let committed = socket.receive().await;
    assert_eq!(committed, json!({ "message_type": "committed_transcript", "text": heard(6) }));
    // The next utterance starts afresh, and no timestamps came between.
    socket.send(&chunk("AAAA", false)).await;
    assert_eq!(socket.receive().await["text"], heard(3));
}

#[tokio::test]
async fn committed_transcripts_come_with_timestamps_when_asked_for() {
    let stand_in = StandIn::start().await;
    let (mut socket, _) = session(&stand_in, "include_timestamps=true").await;
    socket.send(&chunk("", true)).await;
    assert_eq!(socket.receive().await["message_type"], "committed_transcript");
    let timed = socket.receive().await;
    assert_eq!(timed["message_type"], "committed_transcript_with_timestamps");
    let words = timed["words"].as_array().unwrap();
    assert_eq!(words[0]["text"], "The");
    assert!(words[0]["end"].as_f64() > words[0]["start"].as_f64());
}

#[tokio::test]
async fn what_does_not_fit_is_an_input_error_and_the_session_goes_on() {
    let stand_in = StandIn::start().await;
    let (mut socket, _) = session(&stand_in, "").await;
    for text in [
        "not json",
        "{}",
        r#"{"message_type":"other"}"#,
        r#"{"message_type":"input_audio_chunk"}"#,
        r#"{"message_type":"input_audio_chunk","audio_base_64":"%"}"#,
        r#"{"message_type":"input_audio_chunk","audio_base_64":"","commit":"yes"}"#,
        r#"{"message_type":"input_audio_chunk","audio_base_64":"","sample_rate":"16k"}"#,
    ] {
        socket.send_text(text).await;
        let event = socket.receive().await;
        assert_eq!(event["message_type"], "input_error", "{text}");
        assert!(event["error"].is_string());
    }
    socket.send(&chunk("AAAA", false)).await;
    assert_eq!(socket.receive().await["message_type"], "partial_transcript");
}
