//! Threats that are met by the whole of it rather than by one part.

use std::collections::{BTreeSet, HashMap};

use futures_util::{StreamExt as _, stream};
use serde_json::Value;

use super::{Guarded, answer, hash, key, outcome};
use crate::support::{
    http::{client, get, post},
    provider::{ScriptedProvider, answer as answer_of},
};

fn keys(count: usize) -> String {
    (0..count).map(|n| key(&format!("caller-{n}"))).collect()
}

#[tokio::test]
async fn one_caller_gets_anothers_token_never() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let audit = format!("[audit]\nto = \"file:{}\"\n", file.path().display());
    let guarded = Guarded::start(&format!("{audit}{}", keys(10)));
    let asks = stream::iter(0..60).map(|n| {
        let (caller, path) = (n % 10, ["/session", "/tokens/tts_websocket"][n % 2]);
        let request = guarded.post(path).bearer_auth(format!("vk_caller-{caller}"));
        let id = format!("request-{n}");
        async move { (caller, answer(request.header("x-request-id", id)).await) }
    });
    // With all of them at once a busy machine would be late with some records, and refuse those.
    let asked: Vec<_> = asks.buffer_unordered(10).collect().await;
    let mut answers = HashMap::new();
    for (caller, answer) in asked {
        assert_eq!(answer.status, 200, "{}", answer.text);
        answers.insert(answer.header("x-request-id").unwrap().to_owned(), (caller, answer.token()));
    }
    let tokens: BTreeSet<_> = answers.values().map(|(_, token)| token).collect();
    assert_eq!(tokens.len(), 60, "a token was handed out twice");
    let records = std::fs::read_to_string(file.path()).unwrap();
    assert_eq!(records.lines().count(), 120, "each has an intent");
    for record in records.lines() {
        let record: Value = serde_json::from_str(record).unwrap();
        if record["event"] == "mint" {
            continue;
        }
        let (caller, token) = &answers[record["request_id"].as_str().unwrap()];
        assert_eq!(record["caller"]["id"], format!("caller-{caller}"));
        assert_eq!(record["token_sha256"], hash(token));
    }
}

#[tokio::test]
async fn metrics_or_health_tell_too_much_to_nobody() {
    let guarded = Guarded::start(&keys(1));
    let public = &guarded.server.url;
    assert_eq!(get(&format!("{public}/metrics")).await.code(), "not_found");
    assert_eq!(get(&format!("{public}/readyz")).await.text, r#"{"status":"ready"}"#);
    assert_eq!(get(&format!("{public}/healthz")).await.text, r#"{"status":"ok"}"#);
    let metrics = async || guarded.server.get_admin("/metrics").await;
    for n in 0..50 {
        let made_up = guarded.post(&format!("/tokens/made-up-{n}")).bearer_auth("vk_caller-0");
        outcome(made_up.header("origin", format!("https://{n}.example"))).await;
    }
    let text = metrics().await.text;
    assert_eq!(text.matches("valetkey_decisions_total{").count(), 5, "labels multiply: {text}");
    for secret in ["caller-0", "127.0.0.1", "made-up", "example", "vk_"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let served = metrics().await;
    assert!(served.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    assert!(text.contains("outcome=\"origin_not_allowed\"} 50"), "{text}");
}

#[tokio::test]
async fn token_cached_or_logged_on_its_way_by_nobody() {
    let guarded = Guarded::start("[log]\nfilter = \"trace\"\n");
    let mut tokens = Vec::new();
    for path in ["/session", "/tokens/realtime_scribe", "/v1/single-use-token/tts_websocket"] {
        let url = format!("{}{path}", guarded.server.url);
        assert_eq!(get(&url).await.code(), "method_not_allowed", "a GET can be cached and logged");
        let answer = post(&url).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        guarded.server.wait_for_stdout(&hash(&answer.token()));
        tokens.push(answer.token());
    }
    let output = guarded.server.end();
    assert!(tokens.iter().all(|token| !output.contains(token)));
}

/// What a stranger sends is in the log, but not as long as the stranger likes.
#[tokio::test]
async fn log_lines_are_short_whatever_is_sent() {
    let settings = format!("[origins]\nallowed = [\"https://app.example\"]\n{}", keys(1));
    let guarded = Guarded::start(&settings);
    let long = vec![0xe9; 9_000];
    let origin = [b"https://".as_slice(), &long].concat();
    let origin = reqwest::header::HeaderValue::from_bytes(&origin).unwrap();
    for method in ["OPTIONS", "POST", &"X".repeat(5_000)] {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = client()
            .request(method, format!("{}/session", guarded.server.url))
            .header("origin", origin.clone())
            .header("access-control-request-method", "POST")
            .header("x-request-id", "x".repeat(9_000));
        answer(request).await;
    }
    let output = guarded.server.end();
    assert!(output.contains("a page of an origin that is not listed"), "{}", output.len());
    for line in output.lines() {
        assert!(line.len() < 1_500, "{} bytes: {}…", line.len(), &line[..200]);
    }
}

#[tokio::test]
async fn key_guessing_at_the_application_is_limited_however_many_guess_at_once() {
    let application = ScriptedProvider::start(|request| {
        // So long that all of them are under way at once.
        std::thread::sleep(std::time::Duration::from_millis(200));
        let (status, user) = match request.header("authorization") {
            "Basic right" => (200, "remote-user: ada\r\n"),
            _ => (401, ""),
        };
        Some(answer_of(status, user, ""))
    });
    let settings = format!("[auth.forward]\nurl = \"{}\"\ncookies = false\n", application.url);
    let guarded = Guarded::start(&settings);
    let guesses = (0..60).map(|n| {
        let guess = if n == 59 { "Basic right".to_owned() } else { format!("Basic wrong{n}") };
        let request = guarded.session().header("authorization", guess);
        tokio::spawn(async move { outcome(request).await })
    });
    let mut outcomes = Vec::new();
    for guess in guesses.collect::<Vec<_>>() {
        outcomes.push(guess.await.unwrap());
    }
    let told = outcomes.iter().filter(|it| *it == "unauthenticated").count();
    assert!((20..=25).contains(&told), "{told} guesses were answered: {outcomes:?}");
    assert!(application.requests() > 25, "they were not asked at once");
}

#[tokio::test]
async fn caller_chooses_nothing_but_the_lifetime() {
    let guarded = Guarded::start("");
    for body in [
        r#"{"url":"http://127.0.0.1:1/"}"#,
        r#"{"base_url":"http://127.0.0.1:1/"}"#,
        r#"{"provider":"elevenlabs"}"#,
        r#"{"model":"another"}"#,
        r#"{"session":{"model":"another"}}"#,
        r#"{"api_key":"x"}"#,
    ] {
        let request = guarded.session().header("content-type", "application/json").body(body);
        assert_eq!(outcome(request).await, "invalid_request", "{body}");
    }
    for path in ["/tokens/..%2fsession", "/tokens/http:%2f%2f127.0.0.1", "/tokens/xai_realtime%00"]
    {
        assert_ne!(outcome(guarded.post(path)).await, "ok", "{path}");
    }
    assert_eq!(guarded.minted().await, 0);
}

/// Time that can jump is not where limits and deadlines could see it.
#[test]
fn clock_jumps_touch_no_limit_and_no_deadline() {
    let mut read = 0;
    for folder in ["src/limit", "src/limit/shared"] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|it| it == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let wall = text.contains("SystemTime") || text.contains("crate::clock");
                assert!(!wall, "{} knows the time of day", path.display());
                read += 1;
            }
        }
    }
    assert!(read >= 5, "only {read} files were read");
}
