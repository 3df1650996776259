//! The upload: a file and a `batch_scribe` token in, a transcript out.

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use valetkey::sandbox::ELEVENLABS_KEY;

use super::support::{StandIn, sent};

const PATH: &str = "/v1/speech-to-text";

/// `request` with a form of the given fields; `file` is sent as a file.
fn with_form(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    let mut body = String::new();
    for (name, value) in fields {
        let file = if *name == "file" { "; filename=\"a.wav\"" } else { "" };
        let head = format!("Content-Disposition: form-data; name=\"{name}\"{file}");
        body += &format!("--edge\r\n{head}\r\n\r\n{value}\r\n");
    }
    body += "--edge--\r\n";
    request.header("content-type", "multipart/form-data; boundary=edge").body(body)
}

const FORM: [(&str, &str); 2] = [("model_id", "scribe_v2"), ("file", "12345678")];

fn upload(stand_in: &StandIn, token: &str) -> RequestBuilder {
    with_form(stand_in.post(&format!("{PATH}?token={token}")), &FORM)
}

#[tokio::test]
async fn a_token_transcribes_one_file() {
    let stand_in = StandIn::start().await;
    let token = stand_in.token("batch_scribe").await;
    let (status, answer) = sent(upload(&stand_in, &token)).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["text"], "The sandbox heard 8 bytes.");
    assert_eq!(answer["language_code"], "eng");
    assert!(answer["language_probability"].is_f64());
    assert_eq!(answer["words"][0]["text"], "The");
    refuses(&stand_in, &token, "The single use token has already been used.").await;
}

async fn refuses(stand_in: &StandIn, token: &str, message: &str) {
    let (status, answer) = sent(upload(stand_in, token)).await;
    let detail = &answer["detail"];
    assert_eq!(
        (status, &detail["code"], &detail["message"]),
        (401, &json!("unauthorized"), &json!(message))
    );
}

#[tokio::test]
async fn other_tokens_are_refused() {
    let stand_in = StandIn::start().await;
    let wrong = stand_in.token("realtime_scribe").await;
    refuses(&stand_in, &wrong, "The single use token is of another type.").await;
    refuses(&stand_in, "garbage", "The single use token is invalid.").await;
    let expired = stand_in.token("batch_scribe").await;
    stand_in.expire().await;
    refuses(&stand_in, &expired, "The single use token has expired.").await;
}

#[tokio::test]
async fn the_key_works_too() {
    let stand_in = StandIn::start().await;
    let bare = || with_form(stand_in.post(PATH), &FORM);
    assert_eq!(sent(bare().header("xi-api-key", ELEVENLABS_KEY)).await.0, 200);
    let (status, answer) = sent(bare().header("xi-api-key", "sk_wrong")).await;
    assert_eq!((status, &answer["detail"]["code"]), (401, &json!("invalid_api_key")));
    let (status, answer) = sent(bare()).await;
    assert_eq!((status, &answer["detail"]["code"]), (401, &json!("missing_api_key")));
}

#[tokio::test]
async fn missing_fields_are_listed() {
    let stand_in = StandIn::start().await;
    let both = json!([["body", "model_id"], ["body", "file"]]);
    for (fields, missing) in [
        (&FORM[..0], both.clone()),
        (&FORM[..1], json!([["body", "file"]])),
        (&FORM[1..], json!([["body", "model_id"]])),
    ] {
        let request = with_form(stand_in.post(PATH), fields).header("xi-api-key", ELEVENLABS_KEY);
        let (status, answer) = sent(request).await;
        assert_eq!(status, 422);
        let items = answer["detail"].as_array().unwrap();
        let places: Value = items.iter().map(|item| item["loc"].clone()).collect();
        assert_eq!(places, missing);
    }
    let (status, answer) = sent(stand_in.post(PATH).header("xi-api-key", ELEVENLABS_KEY)).await;
    assert_eq!((status, answer["detail"].as_array().map(Vec::len)), (422, Some(2)));
}

#[tokio::test]
async fn files_may_be_large_but_not_too_large() {
    let stand_in = StandIn::start().await;
    for (mebibytes, status) in [(3, 200), (26, 413)] {
        let file = "x".repeat(mebibytes * 1024 * 1024);
        let fields = [("model_id", "scribe_v2"), ("file", file.as_str())];
        let request = with_form(stand_in.post(PATH), &fields).header("xi-api-key", ELEVENLABS_KEY);
        assert_eq!(sent(request).await.0, status, "{mebibytes} MiB");
    }
}
