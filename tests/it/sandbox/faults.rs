//! Every kind of fault, as a client of the plain HTTP routes sees it.

use std::{io::ErrorKind, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use valetkey::sandbox::{ELEVENLABS_KEY, XAI_KEY};

use super::support::{Answer, MINTS, PATIENCE, SCRIBE_MINT, StandIn, XAI_MINT, sent};
use crate::support::now;

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

/// Whether this is an answer without the end of its body.
fn is_cut_off(bytes: &[u8]) -> bool {
    let (head, body) = std::str::from_utf8(bytes).unwrap().split_once("\r\n\r\n").unwrap();
    head.starts_with("HTTP/1.1 200 OK")
        && head.contains("content-length: ")
        && body.starts_with("{\"")
        && !body.ends_with('}')
}

#[tokio::test]
async fn a_connection_ends_as_told() {
    type Fits = fn(&[u8]) -> bool;
    let stand_in = StandIn::start().await;
    let (reset, in_order) = (Some(ErrorKind::ConnectionReset), None);
    let cases: [(&str, Option<ErrorKind>, bool, Fits); 4] = [
        ("reset=before", reset, false, <[u8]>::is_empty),
        ("reset=body", reset, true, is_cut_off),
        ("close", in_order, false, <[u8]>::is_empty),
        ("garbage", in_order, false, |it| it.len() > 10 && !it.starts_with(b"HTTP/")),
    ];
    for (fault, error, minted, fits) in cases {
        stand_in.set(&[&format!("*:{fault}")]).await;
        for (path, _) in MINTS {
            let (bytes, end) = raw_mint(&stand_in, path).await;
            assert_eq!(end.err().map(|it| it.kind()), error, "{fault} of {path}");
            assert!(fits(&bytes), "{fault} of {path}: {}", String::from_utf8_lossy(&bytes));
            let last = stand_in.last().await;
            assert_eq!(last["minted"], minted, "{fault} of {path}");
            assert!(fault != "reset=before" || last["status"].is_null(), "{last}");
            assert!(fault != "garbage" || stand_in.mint_at(path).send().await.is_err());
        }
    }
}

#[tokio::test]
async fn a_hang_never_answers_but_has_minted() {
    let stand_in = StandIn::with_faults(&["*:hang"]).await;
    for (path, _) in MINTS {
        let request = stand_in.mint_at(path).timeout(Duration::from_millis(150));
        assert!(request.send().await.unwrap_err().is_timeout());
        let entry = stand_in.last().await;
        assert_eq!((&entry["minted"], &entry["status"]), (&json!(true), &Value::Null));
    }
}

#[tokio::test]
async fn bodies_may_have_no_end() {
    let stand_in = StandIn::with_faults(&["*:drip"]).await;
    for (path, _) in MINTS {
        let mut response = stand_in.mint_at(path).send().await.unwrap();
        assert_eq!(response.status(), 200);
        for _ in 0..3 {
            assert_eq!(response.chunk().await.unwrap().unwrap().len(), 1);
        }
        assert_eq!(stand_in.last().await["minted"], true);
    }
    stand_in.set(&["*:huge"]).await;
    let mut response = stand_in.mint_at(XAI_MINT).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let mut size = 0;
    while let Some(piece) = response.chunk().await.unwrap() {
        size += piece.len();
    }
    assert!(size > 64 * 1024 * 1024, "{size}");
    assert_eq!(stand_in.last().await["minted"], false);
}

#[tokio::test]
async fn answers_are_spoiled_as_told() {
    type Fits = fn(&Answer, &str) -> bool;
    let stand_in = StandIn::start().await;
    let cases: [(&str, bool, Fits); 4] = [
        ("empty", true, |answer, _| answer.text.is_empty()),
        ("not_json", false, |answer, _| {
            answer.header("content-type").unwrap().starts_with("text/html")
                && answer.text.starts_with("<!doctype html>")
        }),
        ("wrong_types", true, |answer, token| {
            let json = answer.json();
            json[token].is_number() && (json["expires_at"].is_string() || token == "token")
        }),
        ("bad_token", true, |answer, _| {
            let token = answer.token();
            token.contains(' ') && token.contains("\r\n") && token.contains('\u{1}')
        }),
    ];
    for (fault, minted, fits) in cases {
        stand_in.set(&[&format!("*:{fault}")]).await;
        for (path, token) in MINTS {
            let answer = Answer::to(stand_in.mint_at(path)).await;
            assert_eq!(answer.status, 200, "{fault} of {path}");
            assert!(fits(&answer, token), "{fault} of {path}: {}", answer.text);
            assert_eq!(stand_in.last().await["minted"], minted, "{fault} of {path}");
        }
    }
    // An error is left as it is.
    stand_in.set(&["*:wrong_types"]).await;
    let (status, answer) = sent(stand_in.post(XAI_MINT)).await;
    assert_eq!((status, &answer["code"]), (401, &json!("unauthenticated:no-credentials")));
}

#[tokio::test]
async fn xai_may_nest_its_answer_or_give_a_wrong_expiry() {
    let stand_in = StandIn::with_faults(&["xai:nested"]).await;
    let (_, answer) = sent(stand_in.mint_at(XAI_MINT)).await;
    assert!(answer["client_secret"]["value"].is_string());
    assert!(answer["client_secret"]["expires_at"].is_u64());
    assert_eq!(answer.as_object().unwrap().len(), 1);
    let now = now();
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
async fn a_redirect_is_noticed_when_followed() {
    let stand_in = StandIn::with_faults(&["*:redirect"]).await;
    let elsewhere = async || {
        let entries = stand_in.history().await;
        entries.into_iter().filter(|entry| entry["route"] == "elsewhere").count()
    };
    for (path, _) in MINTS {
        let answer = Answer::to(stand_in.mint_at(path)).await;
        assert_eq!(answer.status, 307);
        assert_eq!(answer.header("location"), Some("/_sandbox/elsewhere"));
    }
    assert_eq!(elsewhere().await, 0);
    let follower = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{}{SCRIBE_MINT}", stand_in.address);
    follower.post(url).header("xi-api-key", ELEVENLABS_KEY).send().await.unwrap();
    assert_eq!(elsewhere().await, 1);
    // The redirected request still carries the key, which is what the fault is there to show.
    assert_eq!(stand_in.last().await["headers"]["xi-api-key"], "<sandbox key>");
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
    assert_eq!(stand_in.last().await["minted"], false);
}
