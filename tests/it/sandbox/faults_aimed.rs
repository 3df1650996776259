//! Which answers a fault may ask for, how it is aimed, and for how long it lasts.

use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use valetkey::sandbox::ELEVENLABS_KEY;

use super::support::{PATIENCE, SCRIBE_MINT, StandIn, XAI_MINT, json_of, sent};

const MINTS: [&str; 2] = [XAI_MINT, SCRIBE_MINT];

#[tokio::test]
async fn a_status_may_come_with_retry_after() {
    let stand_in = StandIn::with_faults(&["*:status=429,retry_after=7"]).await;
    for path in MINTS {
        let response = stand_in.mint_at(path).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["retry-after"]),
            (429, &"7".parse().unwrap())
        );
        assert_eq!(stand_in.history().await.last().unwrap()["minted"], false);
    }
    stand_in.set(&["*:status=503,retry_after=date:60"]).await;
    for path in MINTS {
        let response = stand_in.mint_at(path).send().await.unwrap();
        let date = response.headers()["retry-after"].to_str().unwrap();
        let ahead = httpdate::parse_http_date(date).unwrap().duration_since(SystemTime::now());
        assert!(ahead.is_ok_and(|ahead| ahead > Duration::from_secs(30)), "{date}");
        let _: Value = json_of(response).await;
    }
}

#[tokio::test]
async fn any_error_status_can_be_asked_for() {
    let stand_in = StandIn::start().await;
    for status in [400, 418, 451, 500, 502, 504, 529, 599] {
        stand_in.set(&[&format!("*:status={status}")]).await;
        for path in MINTS {
            let response = stand_in.mint_at(path).send().await.unwrap();
            assert_eq!(response.status().as_u16(), status);
            assert!(!response.text().await.unwrap().is_empty());
        }
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
    for (target, expected) in [
        ("xai", (503, 200, 422)),
        ("xai/mint", (503, 200, 422)),
        ("xai/realtime", (200, 200, 422)),
        ("elevenlabs", (200, 503, 503)),
        ("elevenlabs/mint", (200, 503, 422)),
        ("elevenlabs/upload", (200, 200, 503)),
        ("elevenlabs/scribe", (200, 200, 422)),
        ("*", (503, 503, 503)),
    ] {
        stand_in.set(&[&format!("{target}:status=503")]).await;
        assert_eq!(statuses().await, expected, "{target}");
    }
    // What only makes sense at xAI leaves ElevenLabs alone, even if it is aimed at both.
    stand_in.set(&["*:expiry=none"]).await;
    assert_eq!(statuses().await, (200, 200, 422));
}

#[tokio::test]
async fn the_newest_fault_wins_and_times_run_out() {
    let stand_in = StandIn::start().await;
    stand_in.set(&["xai:status=500", "xai/mint:status=429,times=2"]).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(sent(stand_in.mint_at(XAI_MINT)).await.0);
    }
    assert_eq!(statuses, [429, 429, 500, 500]);
    let left = stand_in.control(reqwest::Method::GET, "faults", None).await;
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
    while stand_in.history().await.len() < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let begun = Instant::now();
    stand_in.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(3));
    assert!(hanging.await.unwrap().is_err());
    drop(dripping);
    let end = timeout(PATIENCE, stalled.read(&mut [0; 64])).await.expect("is still open");
    assert!(!end.is_ok_and(|size| size > 0));
}
