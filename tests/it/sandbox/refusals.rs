//! Every socket and the upload, with every kind of token: what opens what, and each exact refusal.

use reqwest::Method;
use serde_json::{Value, json};
use valetkey::sandbox::Options;

use super::support::{Socket, StandIn};

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

async fn realtime_refusals(stand_in: &StandIn, secret: &str) -> Vec<(u16, Value)> {
    let mut refusals = Vec::new();
    for (name, value) in ways(secret) {
        let refused = stand_in.try_socket(REALTIME, &[(name, &value)]).await;
        refusals.push(refused.err().expect("was let in"));
    }
    refusals
}

#[tokio::test]
async fn realtime_takes_a_secret_until_it_expires_however_often() {
    let stand_in = StandIn::start().await;
    let secret = stand_in.xai_secret().await;
    for _ in 0..2 {
        for (name, value) in ways(&secret) {
            let mut socket = stand_in.socket(REALTIME, &[(name, &value)]).await;
            assert_eq!(socket.event().await["type"], "session.created");
        }
    }
    stand_in.expire().await;
    for (status, body) in realtime_refusals(&stand_in, &secret).await {
        assert_eq!(status, 401);
        assert_eq!(body["code"], "unauthenticated:bad-credentials");
    }
}

#[tokio::test]
async fn realtime_refuses_what_is_no_secret_before_the_upgrade() {
    let stand_in = StandIn::start().await;
    let other_product = stand_in.token("realtime_scribe").await;
    for secret in ["garbage-garbage", &other_product] {
        for (status, body) in realtime_refusals(&stand_in, secret).await {
            assert_eq!(status, 400);
            assert_eq!(body["code"], "invalid-argument");
            assert!(body["error"].as_str().unwrap().starts_with("Incorrect API key provided"));
        }
    }
    let (status, body) = stand_in.try_socket(REALTIME, &[]).await.err().unwrap();
    assert_eq!((status, &body["code"]), (401, &json!("unauthenticated:no-credentials")));
}

#[tokio::test]
async fn the_xai_key_opens_realtime_but_not_as_a_client_secret() {
    let stand_in = StandIn::start().await;
    let [header, own, openai] = ways(valetkey::sandbox::XAI_KEY);
    for (name, value) in [header, openai] {
        let mut socket = stand_in.socket(REALTIME, &[(name, &value)]).await;
        assert_eq!(socket.event().await["type"], "session.created");
    }
    let refused = stand_in.try_socket(REALTIME, &[(own.0, &own.1)]).await.err().unwrap();
    assert_eq!(refused.0, 400);
}

#[tokio::test]
async fn realtime_selects_the_subprotocol_browsers_insist_on() {
    let stand_in = StandIn::start().await;
    let secret = stand_in.xai_secret().await;
    let [header, own, openai] = ways(&secret);
    let selected = async |(name, value): (&str, String)| {
        let socket = stand_in.socket(REALTIME, &[(name, &value)]).await;
        socket.protocol().map(str::to_owned)
    };
    assert_eq!(selected(header).await, None);
    assert_eq!(selected(own).await, Some(format!("xai-client-secret.{secret}")));
    assert_eq!(selected(openai).await.as_deref(), Some("realtime"));
}

async fn scribe_refuses(stand_in: &StandIn, token: &str) {
    let mut socket = stand_in.socket(&format!("{SCRIBE}&token={token}"), &[]).await;
    let error = "You must be authenticated to use this endpoint.";
    let event = socket.event().await;
    assert_eq!(event, json!({ "message_type": "auth_error", "error": error }), "{token}");
    assert_eq!(socket.closed().await, 1008);
}

#[tokio::test]
async fn scribe_takes_its_token_once_and_no_other() {
    let stand_in = StandIn::start().await;
    let token = stand_in.token("realtime_scribe").await;
    let mut socket = stand_in.socket(&format!("{SCRIBE}&token={token}"), &[]).await;
    assert_eq!(socket.event().await["message_type"], "session_started");
    scribe_refuses(&stand_in, &token).await;
    for wrong in ["tts_websocket", "batch_scribe"] {
        scribe_refuses(&stand_in, &stand_in.token(wrong).await).await;
    }
    scribe_refuses(&stand_in, &stand_in.xai_secret().await).await;
    scribe_refuses(&stand_in, "garbage").await;
    scribe_refuses(&stand_in, "").await;
    let expired = stand_in.token("realtime_scribe").await;
    stand_in.expire().await;
    scribe_refuses(&stand_in, &expired).await;
}

#[tokio::test]
async fn a_token_does_not_fall_back_to_the_key() {
    let stand_in = StandIn::start().await;
    let key = [("xi-api-key", valetkey::sandbox::ELEVENLABS_KEY)];
    let mut socket = stand_in.socket(SCRIBE, &key).await;
    assert_eq!(socket.event().await["message_type"], "session_started");
    let mut socket = stand_in.socket(&format!("{SCRIBE}&token=garbage"), &key).await;
    assert_eq!(socket.event().await["message_type"], "auth_error");
    let mut socket = stand_in.socket(SCRIBE, &[("xi-api-key", "sk_wrong")]).await;
    assert_eq!(socket.event().await["message_type"], "auth_error");
}

#[tokio::test]
async fn tokens_in_the_query_are_percent_decoded() {
    let stand_in = StandIn::start().await;
    let token = stand_in.token("realtime_scribe").await.replace('_', "%5F");
    let mut socket = stand_in.socket(&format!("{SCRIBE}&token={token}"), &[]).await;
    assert_eq!(socket.event().await["message_type"], "session_started");
}

async fn is_tts_refusal(mut socket: Socket) {
    let refusal = json!({ "message": "Invalid API key", "error": "invalid_api_key", "code": 1008 });
    assert_eq!(socket.event().await, refusal);
    assert_eq!(socket.closed().await, 1008);
}

/// Says something, which only an open session answers with audio.
async fn is_open(mut socket: Socket) {
    socket.send(json!({ "text": "Hello" })).await;
    assert!(socket.event().await["audio"].is_string());
}

#[tokio::test]
async fn tts_takes_its_token_once_and_no_other() {
    let stand_in = StandIn::start().await;
    for path in TTS {
        let open = async |token: &str| {
            stand_in.socket(&format!("{path}&single_use_token={token}"), &[]).await
        };
        let token = stand_in.token("tts_websocket").await;
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
    let key = valetkey::sandbox::ELEVENLABS_KEY;
    for path in TTS {
        is_open(stand_in.socket(path, &[("xi-api-key", key)]).await).await;
        is_tts_refusal(stand_in.socket(path, &[("xi-api-key", "sk_wrong")]).await).await;
        let token = stand_in.token("tts_websocket").await;
        let good = [json!({ "xi_api_key": key }), json!({ "single_use_token": token })];
        let bad =
            [json!({ "xi_api_key": "sk_wrong" }), json!({ "single_use_token": token }), json!({})];
        for (credentials, is_good) in
            good.map(|c| (c, true)).into_iter().chain(bad.map(|c| (c, false)))
        {
            let mut socket = stand_in.socket(path, &[]).await;
            let mut first = credentials;
            first["text"] = json!(" ");
            socket.send(first).await;
            if is_good { is_open(socket).await } else { is_tts_refusal(socket).await }
        }
    }
}

#[tokio::test]
async fn a_failed_attempt_on_another_socket_does_not_use_a_token_up() {
    let stand_in = StandIn::start().await;
    let token = stand_in.token("tts_websocket").await;
    scribe_refuses(&stand_in, &token).await;
    is_open(stand_in.socket(&format!("{}&single_use_token={token}", TTS[0]), &[]).await).await;
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
        let response = stand_in.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 426, "{path}");
        assert_eq!(response.headers()["upgrade"], "websocket");
        let body = super::support::json_of(response).await;
        assert!(body["code"].is_string() || body["detail"]["code"].is_string(), "{body}");
    }
}
