//! Every kind of fault, as a client of the plain HTTP routes sees it.

use std::{
    io::ErrorKind,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use valetkey::sandbox::{ELEVENLABS_KEY, XAI_KEY};

use super::support::{PATIENCE, SCRIBE_MINT, StandIn, XAI_MINT, sent};

const MINTS: [&str; 2] = [XAI_MINT, SCRIBE_MINT];

/// A good mint as raw bytes; what comes back, and how the connection ended.
async fn raw_mint(stand_in: &StandIn, path: &str) -> (Vec<u8>, std::io::Result<usize>) {
    let mut stream = TcpStream::connect(&stand_in.address).await.unwrap();
    let keys = format!("authorization: Bearer {XAI_KEY}\r\nxi-api-key: {ELEVENLABS_KEY}\r\n");
    let head = format!("POST {path} HTTP/1.1\r\nhost: sandbox\r\n{keys}content-length: 0\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let end = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("does not end");
    (bytes, end)
}

/// Whether the last mint made a token.
async fn minted(stand_in: &StandIn) -> bool {
    stand_in.history().await.last().unwrap()["minted"] == true
}

#[tokio::test]
async fn a_reset_before_the_answer_leaves_nothing() {
    let stand_in = StandIn::with_faults(&["*:reset=before"]).await;
    for path in MINTS {
        let (bytes, end) = raw_mint(&stand_in, path).await;
        assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(bytes, b"");
        assert!(!minted(&stand_in).await);
        assert!(stand_in.history().await.last().unwrap()["status"].is_null());
    }
}

#[tokio::test]
async fn a_reset_amid_the_body_leaves_a_part_of_it() {
    let stand_in = StandIn::with_faults(&["*:reset=body"]).await;
    for path in MINTS {
        let (bytes, end) = raw_mint(&stand_in, path).await;
        assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK") && head.contains("content-length: "), "{head}");
        assert!(body.starts_with("{\"") && !body.ends_with('}'), "{body}");
        assert!(minted(&stand_in).await);
    }
}

#[tokio::test]
async fn a_close_is_orderly_and_silent() {
    let stand_in = StandIn::with_faults(&["*:close"]).await;
    for path in MINTS {
        let (bytes, end) = raw_mint(&stand_in, path).await;
        assert_eq!((end.unwrap(), bytes.len()), (0, 0));
        assert!(!minted(&stand_in).await);
    }
}

#[tokio::test]
async fn garbage_is_not_http() {
    let stand_in = StandIn::with_faults(&["*:garbage"]).await;
    for path in MINTS {
        let (bytes, end) = raw_mint(&stand_in, path).await;
        assert!(end.is_ok_and(|size| size > 10));
        assert!(!bytes.starts_with(b"HTTP/"));
        assert!(stand_in.mint_at(path).send().await.is_err());
        assert!(!minted(&stand_in).await);
    }
}

#[tokio::test]
async fn a_hang_never_answers_but_has_minted() {
    let stand_in = StandIn::with_faults(&["*:hang"]).await;
    for path in MINTS {
        let request = stand_in.mint_at(path).timeout(Duration::from_millis(150));
        assert!(request.send().await.unwrap_err().is_timeout());
        let entry = stand_in.history().await.pop().unwrap();
        assert_eq!((&entry["minted"], &entry["status"]), (&json!(true), &Value::Null));
    }
}

#[tokio::test]
async fn a_drip_goes_on_without_end() {
    let stand_in = StandIn::with_faults(&["*:drip"]).await;
    for path in MINTS {
        let mut response = stand_in.mint_at(path).send().await.unwrap();
        assert_eq!(response.status(), 200);
        for _ in 0..3 {
            assert_eq!(response.chunk().await.unwrap().unwrap().len(), 1);
        }
        assert!(minted(&stand_in).await);
    }
}

#[tokio::test]
async fn a_huge_body_is_over_64_mib() {
    let stand_in = StandIn::with_faults(&["*:huge"]).await;
    let mut response = stand_in.mint_at(XAI_MINT).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let mut size = 0;
    while let Some(piece) = response.chunk().await.unwrap() {
        size += piece.len();
    }
    assert!(size > 64 * 1024 * 1024, "{size}");
    assert!(!minted(&stand_in).await);
}

#[tokio::test]
async fn answers_may_be_empty_or_html() {
    let stand_in = StandIn::start().await;
    for path in MINTS {
        stand_in.set(&["*:empty"]).await;
        let response = stand_in.mint_at(path).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.text().await.unwrap(), "");
        assert!(minted(&stand_in).await);

        stand_in.set(&["*:not_json"]).await;
        let response = stand_in.mint_at(path).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
        assert!(response.text().await.unwrap().starts_with("<!doctype html>"));
        assert!(!minted(&stand_in).await);
    }
}

#[tokio::test]
async fn answers_may_have_wrong_types_or_bad_tokens() {
    let stand_in = StandIn::start().await;
    for (path, name) in [(XAI_MINT, "value"), (SCRIBE_MINT, "token")] {
        stand_in.set(&["*:wrong_types"]).await;
        let (status, answer) = sent(stand_in.mint_at(path)).await;
        assert_eq!(status, 200);
        assert!(answer[name].is_number());
        assert!(answer["expires_at"].is_string() || path == SCRIBE_MINT);

        stand_in.set(&["*:bad_token"]).await;
        let (_, answer) = sent(stand_in.mint_at(path)).await;
        let token = answer[name].as_str().unwrap();
        assert!(token.contains(' ') && token.contains("\r\n") && token.contains('\u{1}'));
        assert!(minted(&stand_in).await);
    }
}

#[tokio::test]
async fn xai_may_nest_its_answer() {
    let stand_in = StandIn::with_faults(&["xai:nested"]).await;
    let (_, answer) = sent(stand_in.mint_at(XAI_MINT)).await;
    assert!(answer["client_secret"]["value"].is_string());
    assert!(answer["client_secret"]["expires_at"].is_u64());
    assert_eq!(answer.as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn xai_may_give_a_wrong_expiry() {
    let stand_in = StandIn::start().await;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let expiry = async |kind: &str| {
        stand_in.set(&[&format!("xai/mint:expiry={kind}")]).await;
        let (_, answer) = sent(stand_in.mint_at(XAI_MINT)).await;
        assert!(answer["value"].is_string());
        answer["expires_at"].as_u64()
    };
    assert!(expiry("past").await.unwrap() < now);
    assert!(expiry("far").await.unwrap() > now + 50 * 365 * 86_400);
    assert!(expiry("milliseconds").await.unwrap() > now * 999);
    assert_eq!(expiry("none").await, None);
}

#[tokio::test]
async fn spoiling_leaves_errors_as_they_are() {
    let stand_in = StandIn::with_faults(&["*:wrong_types"]).await;
    let (status, answer) = sent(stand_in.post(XAI_MINT)).await;
    assert_eq!((status, &answer["code"]), (401, &json!("unauthenticated:no-credentials")));
}

#[tokio::test]
async fn a_redirect_is_noticed_when_followed() {
    let stand_in = StandIn::with_faults(&["*:redirect"]).await;
    let elsewhere = async || {
        let entries = stand_in.history().await;
        entries.into_iter().filter(|entry| entry["route"] == "elsewhere").count()
    };
    for path in MINTS {
        let response = stand_in.mint_at(path).send().await.unwrap();
        assert_eq!(response.status(), 307);
        assert_eq!(response.headers()["location"], "/_sandbox/elsewhere");
    }
    assert_eq!(elsewhere().await, 0);
    let follower = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{}{SCRIBE_MINT}", stand_in.address);
    follower.post(url).header("xi-api-key", ELEVENLABS_KEY).send().await.unwrap();
    assert_eq!(elsewhere().await, 1);
    // The redirected request still carries the key, which is what the fault is there to show.
    let entry = stand_in.history().await.pop().unwrap();
    assert_eq!(entry["headers"]["xi-api-key"], "<sandbox key>");
}

#[tokio::test]
async fn a_revoked_key_is_a_wrong_key() {
    let stand_in = StandIn::with_faults(&["*:revoked"]).await;
    let (status, answer) = sent(stand_in.mint_at(XAI_MINT)).await;
    assert_eq!(status, 400);
    assert!(answer["error"].as_str().unwrap().starts_with("Incorrect API key provided: xa***ey."));
    let (status, answer) = sent(stand_in.mint_at(SCRIBE_MINT)).await;
    assert_eq!((status, &answer["detail"]["code"]), (401, &json!("invalid_api_key")));
    assert_eq!(sent(stand_in.post(XAI_MINT)).await.0, 401);
    assert!(!minted(&stand_in).await);
}
