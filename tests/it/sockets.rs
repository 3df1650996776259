//! What `/tokens/{type}` answers opens the provider's socket as it is, and a session begins.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::support::{
    http::{Answer, client},
    process::Server,
    socket::Socket,
};

async fn vend(server: &Server, name: &str) -> Value {
    let answer = server.post(&format!("/tokens/{name}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

async fn open(token: &Value) -> Socket {
    let protocols = token["protocols"].as_array().unwrap();
    let protocols: Vec<&str> = protocols.iter().map(|it| it.as_str().unwrap()).collect();
    Socket::open(token["url"].as_str().unwrap(), &protocols).await
}

#[tokio::test]
async fn an_xai_token_opens_a_voice_agent() {
    let server = Server::sandbox(&[]);
    let mut socket = open(&vend(&server, "xai_realtime").await).await;
    assert_eq!(socket.receive().await["type"], "session.created");
    let text = json!({"type": "input_text", "text": "good morning"});
    let item = json!({"type": "message", "role": "user", "content": [text]});
    socket.send(&json!({"type": "conversation.item.create", "item": item})).await;
    socket.send(&json!({"type": "response.create"})).await;
    let done = socket.receive_until(|event| event["type"] == "response.done").await;
    assert!(done.to_string().contains("good morning"), "{done}");
}

#[tokio::test]
async fn a_scribe_token_opens_a_transcription() {
    let server = Server::sandbox(&[]);
    let mut socket = open(&vend(&server, "realtime_scribe").await).await;
    assert_eq!(socket.receive().await["message_type"], "session_started");
    let audio = STANDARD.encode([0_u8; 3200]);
    let chunk = json!({
        "message_type": "input_audio_chunk",
        "audio_base_64": audio,
        "commit": true,
        "sample_rate": 16000,
    });
    socket.send(&chunk).await;
    let wanted = |event: &Value| event["message_type"] == "committed_transcript";
    assert!(socket.receive_until(wanted).await["text"].is_string());
}

#[tokio::test]
async fn a_speech_token_opens_a_stream_of_audio() {
    let server = Server::sandbox(&[]);
    let mut socket = open(&vend(&server, "tts_websocket").await).await;
    for text in [" ", "Hello there. ", ""] {
        socket.send(&json!({ "text": text })).await;
    }
    let chunk = socket.receive_until(|event| event["audio"].is_string()).await;
    assert!(!STANDARD.decode(chunk["audio"].as_str().unwrap()).unwrap().is_empty());
    socket.receive_until(|event| event["isFinal"] == true).await;
}

#[tokio::test]
async fn a_batch_token_takes_an_upload() {
    let server = Server::sandbox(&[]);
    let token = vend(&server, "batch_scribe").await;
    let body = "--b\r\ncontent-disposition: form-data; name=\"model_id\"\r\n\r\nscribe_v2\r\n\
                --b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\
                content-type: audio/wav\r\n\r\nRIFF\r\n--b--\r\n";
    let upload = || {
        let request = client().post(token["url"].as_str().unwrap()).body(body);
        request.header("content-type", "multipart/form-data; boundary=b")
    };
    let first = Answer::to(upload()).await;
    assert_eq!(first.status, 200, "{}", first.text);
    assert!(first.json()["text"].is_string());
    assert_eq!(upload().send().await.unwrap().status(), 401, "once only");
}
