//! Which answers a fault may ask for, how it is aimed, and for how long it lasts.

use std::time::{Duration, Instant, SystemTime};

use reqwest::Method;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use valetkey::sandbox::ELEVENLABS_KEY;

use super::support::{Answer, MINTS, PATIENCE, SCRIBE_MINT, StandIn, XAI_MINT, sent, until};

#[tokio::test]
async fn any_error_status_can_be_asked_for_with_retry_after() {
    let stand_in = StandIn::start().await;
    for status in [400, 418, 429, 451, 500, 502, 504, 529, 599] {
        stand_in.set(&[&format!("*:status={status},retry_after=7")]).await;
        for (path, _) in MINTS {
            let answer = Answer::to(stand_in.mint_at(path)).await;
            assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (status, Some("7")));
            assert!(!answer.text.is_empty());
            assert_eq!(stand_in.last().await["minted"], false);
        }
    }
    stand_in.set(&["*:status=503,retry_after=date:60"]).await;
    for (path, _) in MINTS {
        let answer = Answer::to(stand_in.mint_at(path)).await;
        let date = answer.header("retry-after").unwrap();
        let ahead = httpdate::parse_http_date(date).unwrap().duration_since(SystemTime::now());
        assert!(ahead.is_ok_and(|ahead| ahead > Duration::from_secs(30)), "{date}");
        assert!(answer.json().is_object());
    }
}

#[tokio::test]
async fn latency_combines_with_any_action() {
    let stand_in = StandIn::start().await;
    for (fault, status) in [
        ("*:latency=120ms", 200),
        ("*:latency=120ms,spread=10ms,status=503", 503),
        ("*:latency=120ms,revoked", 400),
    ] {
        stand_in.set(&[fault]).await;
        let begun = Instant::now();
        assert_eq!(sent(stand_in.mint_at(XAI_MINT)).await.0, status);
        assert!(begun.elapsed() >= Duration::from_millis(120), "{fault}");
    }
}

#[tokio::test]
async fn faults_apply_only_where_they_are_aimed() {
    let stand_in = StandIn::start().await;
    let statuses = async || {
        let xai = sent(stand_in.mint_at(XAI_MINT)).await.0;
        let elevenlabs = sent(stand_in.mint_at(SCRIBE_MINT)).await.0;
        let upload = stand_in.post("/v1/speech-to-text").header("xi-api-key", ELEVENLABS_KEY);
        (xai, elevenlabs, sent(upload).await.0)
    };
    for (fault, expected) in [
        ("xai:status=503", (503, 200, 422)),
        ("xai/mint:status=503", (503, 200, 422)),
        ("xai/realtime:status=503", (200, 200, 422)),
        ("elevenlabs:status=503", (200, 503, 503)),
        ("elevenlabs/mint:status=503", (200, 503, 422)),
        ("elevenlabs/upload:status=503", (200, 200, 503)),
        ("elevenlabs/scribe:status=503", (200, 200, 422)),
        ("*:status=503", (503, 503, 503)),
        // What only makes sense at xAI leaves ElevenLabs alone, even if it is aimed at both.
        ("*:expiry=none", (200, 200, 422)),
    ] {
        stand_in.set(&[fault]).await;
        assert_eq!(statuses().await, expected, "{fault}");
    }
}

#[tokio::test]
async fn the_newest_fault_wins_and_times_run_out() {
    let stand_in = StandIn::with_faults(&["xai:status=500", "xai/mint:status=429,times=2"]).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(sent(stand_in.mint_at(XAI_MINT)).await.0);
    }
    assert_eq!(statuses, [429, 429, 500, 500]);
    let left = stand_in.control(Method::GET, "faults", None).await;
    assert_eq!(left, json!(["xai:status=500"]));
    let entries = stand_in.history().await;
    assert_eq!(entries[0]["fault"], "xai/mint:status=429,times=2");
    assert_eq!(entries[1]["fault"], "xai/mint:status=429,times=1");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_what_never_ends() {
    let stand_in = StandIn::with_faults(&["xai/mint:hang", "elevenlabs/mint:drip"]).await;
    let hanging = tokio::spawn(stand_in.mint_at(XAI_MINT).send());
    let dripping = stand_in.mint_at(SCRIBE_MINT).send().await.unwrap();
    // A request whose body never comes, which nothing in the sandbox waits for knowingly.
    let mut stalled = TcpStream::connect(&stand_in.address).await.unwrap();
    let head = format!("POST {XAI_MINT} HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n");
    stalled.write_all(head.as_bytes()).await.unwrap();
    let all_are_there = async || (stand_in.history().await.len() >= 3).then_some(());
    until(all_are_there, || "some are missing".to_owned()).await;
    let begun = Instant::now();
    stand_in.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(3));
    assert!(hanging.await.unwrap().is_err());
    drop(dripping);
    let end = timeout(PATIENCE, stalled.read(&mut [0; 64])).await.expect("is still open");
    assert!(!end.is_ok_and(|size| size > 0));
}
