//! Every socket and the upload, with every kind of token: what opens what, and each exact refusal.

use reqwest::Method;
use serde_json::json;
use valetkey::sandbox::{ELEVENLABS_KEY, Options, XAI_KEY};

use super::support::{Answer, Socket, StandIn};

const REALTIME: &str = "/v1/realtime?model=grok-voice-latest";
const SCRIBE: &str = "/v1/speech-to-text/realtime?model_id=scribe_v2_realtime";
const TTS: [&str; 2] = [
    "/v1/text-to-speech/voice/stream-input?model_id=eleven",
    "/v1/text-to-speech/voice/multi-stream-input?model_id=eleven",
];

/// A secret for xAI, in each way it may be presented.
fn ways(secret: &str) -> [(&'static str, String); 3] {
    [
        ("authorization", format!("Bearer {secret}")),
        ("sec-websocket-protocol", format!("xai-client-secret.{secret}")),
        ("sec-websocket-protocol", format!("realtime, openai-insecure-api-key.{secret}, other.1")),
    ]
}

async fn realtime_refuses(stand_in: &StandIn, secret: &str, status: u16, code: &str) {
    for (name, value) in ways(secret) {
        let (got, body) = stand_in.refused(REALTIME, &[(name, &value)]).await;
        assert_eq!((got, body["code"].as_str()), (status, Some(code)), "{body}");
        let told = body["error"].as_str().unwrap();
        assert_eq!(told.starts_with("Incorrect API key provided"), status == 400, "{told}");
    }
}

/// What is selected of the subprotocols, once the session is there.
async fn realtime_opens(stand_in: &StandIn, (name, value): &(&str, String)) -> Option<String> {
    let mut socket = stand_in.socket(REALTIME, &[(name, value)]).await;
    assert_eq!(socket.receive().await["type"], "session.created");
    socket.protocol().map(str::to_owned)
}

#[tokio::test]
async fn realtime_takes_a_secret_until_it_expires_however_often() {
    let stand_in = StandIn::start().await;
    let secret = stand_in.xai_secret().await;
    for _ in 0..2 {
        let [header, own, openai] = ways(&secret);
        // Browsers insist on one of theirs.
        assert_eq!(realtime_opens(&stand_in, &header).await, None);
        let own = realtime_opens(&stand_in, &own).await;
        assert_eq!(own, Some(format!("xai-client-secret.{secret}")));
        assert_eq!(realtime_opens(&stand_in, &openai).await.as_deref(), Some("realtime"));
    }
    stand_in.expire().await;
    realtime_refuses(&stand_in, &secret, 401, "unauthenticated:bad-credentials").await;
}

#[tokio::test]
async fn realtime_refuses_what_is_no_secret_before_the_upgrade() {
    let stand_in = StandIn::start().await;
    let other_product = stand_in.token("realtime_scribe").await;
    for secret in ["garbage-garbage", &other_product] {
        realtime_refuses(&stand_in, secret, 400, "invalid-argument").await;
    }
    let (status, body) = stand_in.refused(REALTIME, &[]).await;
    assert_eq!((status, &body["code"]), (401, &json!("unauthenticated:no-credentials")));
    // The key is good, but not as a client secret.
    let [header, own, openai] = ways(XAI_KEY);
    for good in [header, openai] {
        realtime_opens(&stand_in, &good).await;
    }
    assert_eq!(stand_in.refused(REALTIME, &[(own.0, &own.1)]).await.0, 400);
}

async fn scribe_opens(stand_in: &StandIn, token: &str) {
    let mut socket = stand_in.socket(&format!("{SCRIBE}&token={token}"), &[]).await;
    assert_eq!(socket.receive().await["message_type"], "session_started");
}

async fn scribe_refuses(stand_in: &StandIn, token: &str) {
    let mut socket = stand_in.socket(&format!("{SCRIBE}&token={token}"), &[]).await;
    let error = "You must be authenticated to use this endpoint.";
    let event = socket.receive().await;
    assert_eq!(event, json!({ "message_type": "auth_error", "error": error }), "{token}");
    assert_eq!(socket.closed().await, 1008);
}

#[tokio::test]
async fn scribe_takes_its_token_once_and_no_other() {
    let stand_in = StandIn::start().await;
    let token = stand_in.token("realtime_scribe").await;
    scribe_opens(&stand_in, &token).await;
    scribe_refuses(&stand_in, &token).await;
    for wrong in ["tts_websocket", "batch_scribe"] {
        scribe_refuses(&stand_in, &stand_in.token(wrong).await).await;
    }
    scribe_refuses(&stand_in, &stand_in.xai_secret().await).await;
    scribe_refuses(&stand_in, "garbage").await;
    scribe_refuses(&stand_in, "").await;
    scribe_opens(&stand_in, &stand_in.token("realtime_scribe").await.replace('_', "%5F")).await;
    let expired = stand_in.token("realtime_scribe").await;
    stand_in.expire().await;
    scribe_refuses(&stand_in, &expired).await;
}

#[tokio::test]
async fn a_token_does_not_fall_back_to_the_key() {
    let stand_in = StandIn::start().await;
    for (query, key, event) in [
        ("", ELEVENLABS_KEY, "session_started"),
        ("&token=garbage", ELEVENLABS_KEY, "auth_error"),
        ("", "sk_wrong", "auth_error"),
    ] {
        let path = format!("{SCRIBE}{query}");
        let mut socket = stand_in.socket(&path, &[("xi-api-key", key)]).await;
        assert_eq!(socket.receive().await["message_type"], event, "{query} {key}");
    }
}

async fn is_tts_refusal(mut socket: Socket) {
    let refusal = json!({ "message": "Invalid API key", "error": "invalid_api_key", "code": 1008 });
    assert_eq!(socket.receive().await, refusal);
    assert_eq!(socket.closed().await, 1008);
}

/// Says something, which only an open session answers with audio.
async fn is_open(mut socket: Socket) {
    socket.send(&json!({ "text": "Hello" })).await;
    assert!(socket.receive().await["audio"].is_string());
}

#[tokio::test]
async fn tts_takes_its_token_once_and_no_other() {
    let stand_in = StandIn::start().await;
    for path in TTS {
        let open = async |token: &str| {
            stand_in.socket(&format!("{path}&single_use_token={token}"), &[]).await
        };
        let token = stand_in.token("tts_websocket").await;
        // Another socket that refuses a token does not use it up.
        scribe_refuses(&stand_in, &token).await;
        is_open(open(&token).await).await;
        is_tts_refusal(open(&token).await).await;
        is_tts_refusal(open(&stand_in.token("realtime_scribe").await).await).await;
        is_tts_refusal(open("garbage").await).await;
        let expired = stand_in.token("tts_websocket").await;
        stand_in.expire().await;
        is_tts_refusal(open(&expired).await).await;
    }
}

#[tokio::test]
async fn tts_takes_credentials_in_a_header_or_the_first_message() {
    let stand_in = StandIn::start().await;
    for path in TTS {
        is_open(stand_in.socket(path, &[("xi-api-key", ELEVENLABS_KEY)]).await).await;
        is_tts_refusal(stand_in.socket(path, &[("xi-api-key", "sk_wrong")]).await).await;
        let token = stand_in.token("tts_websocket").await;
        for (first, is_good) in [
            (json!({ "text": " ", "xi_api_key": ELEVENLABS_KEY }), true),
            (json!({ "text": " ", "single_use_token": token }), true),
            (json!({ "text": " ", "xi_api_key": "sk_wrong" }), false),
            (json!({ "text": " ", "single_use_token": token }), false),
            (json!({ "text": " " }), false),
        ] {
            let mut socket = stand_in.socket(path, &[]).await;
            socket.send(&first).await;
            if is_good { is_open(socket).await } else { is_tts_refusal(socket).await }
        }
    }
}

#[tokio::test]
async fn elevenlabs_tokens_live_as_long_as_the_options_say() {
    let options = Options { token_lifetime: std::time::Duration::ZERO, ..Options::default() };
    let stand_in = StandIn::with(options).await;
    scribe_refuses(&stand_in, &stand_in.token("realtime_scribe").await).await;
}

#[tokio::test]
async fn sockets_need_an_upgrade() {
    let stand_in = StandIn::start().await;
    for path in [REALTIME, SCRIBE, TTS[0], TTS[1]] {
        let answer = Answer::to(stand_in.request(Method::GET, path)).await;
        assert_eq!((answer.status.as_u16(), answer.header("upgrade")), (426, Some("websocket")));
        let body = answer.json();
        assert!(body["code"].is_string() || body["detail"]["code"].is_string(), "{path}: {body}");
    }
}
