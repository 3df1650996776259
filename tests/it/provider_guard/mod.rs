//! Several keys, and a provider that fails: the real program and a provider that is a bare socket.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use futures_util::future::join_all;

use crate::support::{
    hash,
    process::{run, until, valetkey},
};
use support::{FIRST, REVOKED, Reply, SECOND, scene};

#[tokio::test]
async fn keys_take_turns() {
    let scene = scene(&[FIRST, SECOND, FIRST], |_| Reply::Token);
    for _ in 0..10 {
        assert_eq!(scene.mint().await.status, 200);
    }
    assert_eq!([scene.asked_with(FIRST), scene.asked_with(SECOND)], [5, 5]);
    assert_eq!(scene.log("the same key twice").len(), 1);
    scene.end();
}

#[test]
fn check_shows_each_key() {
    let keys = "env:KEY_0,env:KEY_1,env:KEY_2";
    let mut command = valetkey(&["check"]);
    command.env("VALETKEY__PROVIDERS__ELEVENLABS__API_KEYS", keys);
    let output = run(command.env("KEY_0", FIRST).env("KEY_1", FIRST));
    let shown = String::from_utf8(output.stdout).unwrap();
    let states = "env:KEY_0 (set), env:KEY_1 (the same key again: it counts once), \
                  env:KEY_2 (not set)";
    assert!(shown.contains(states) && !shown.contains(FIRST), "{shown}");
}

#[tokio::test]
async fn one_revoked_key_of_two_is_noticed_by_nobody_but_the_operator() {
    let scene = scene(&[FIRST, SECOND], |asked| match asked.key() {
        SECOND => REVOKED,
        _ => Reply::Token,
    });
    // The first ones may all be under way before the key is known to be refused.
    for at_once in [1, 1, 10, 10] {
        for answer in join_all((0..at_once).map(|_| scene.mint())).await {
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
    }
    assert_eq!([scene.asked_with(FIRST), scene.asked_with(SECOND)], [22, 1]);
    let alert = scene.log("refuses an API key");
    assert_eq!(alert.len(), 1, "{alert:?}");
    assert_eq!(alert[0]["level"], "ERROR");
    let hash = hash(SECOND)[..8].to_owned();
    assert_eq!(alert[0]["key"], format!("2 ({hash})"));
    let metrics = scene.metrics().await;
    for (key, up) in [(1, 1), (2, 0)] {
        let sample =
            format!("valetkey_provider_key_up{{provider=\"elevenlabs\",key=\"{key}\"}} {up}\n");
        assert!(metrics.contains(&sample), "no {sample}in {metrics}");
    }
    assert!(!metrics.contains(&hash) && !metrics.contains("canary"), "{metrics}");
    scene.end();
}

#[tokio::test]
async fn a_limited_key_rests_and_the_other_serves() {
    let scene = scene(&[FIRST, SECOND], |asked| match asked.key() {
        FIRST => Reply::Status(429, "retry-after: 60\r\n", ""),
        _ => Reply::Token,
    });
    for _ in 0..10 {
        assert_eq!(scene.mint().await.status, 200);
    }
    assert_eq!([scene.asked_with(FIRST), scene.asked_with(SECOND)], [1, 10]);
    let warning = scene.log("limits the rate of an API key");
    assert_eq!(warning.len(), 1, "{warning:?}");
    assert_eq!((&warning[0]["level"], &warning[0]["rests_s"]), (&"WARN".into(), &60.into()));
    scene.end();
}

#[tokio::test]
async fn what_a_key_may_not_mint_takes_nothing_else_away() {
    let replies = [
        Reply::Status(401, "", r#"{"detail":{"status":"missing_permissions"}}"#),
        Reply::Status(403, "", ""),
        Reply::Status(500, "", ""),
        Reply::Status(429, "retry-after: 60\r\n", ""),
        REVOKED,
    ];
    for refusal in replies {
        let scene = scene(&[FIRST], move |asked| match asked.path() {
            "/v1/single-use-token/tts_websocket" => refusal,
            _ => Reply::Token,
        });
        for _ in 0..20 {
            assert_ne!(scene.mint_type("tts_websocket").await.status, 200);
            for token_type in ["realtime_scribe", "batch_scribe"] {
                let answer = scene.mint_type(token_type).await;
                assert_eq!(answer.status, 200, "{token_type}: {}", answer.text);
            }
        }
        let refused = scene.asked() - 40;
        assert!(refused <= 5, "what is refused was asked for {refused} times");
        scene.end();
    }
}

#[tokio::test]
async fn where_all_keys_rest_the_provider_is_not_asked() {
    let limited = scene(&[FIRST, SECOND], |asked| match asked.key() {
        FIRST => Reply::Status(429, "retry-after: 40\r\n", ""),
        _ => REVOKED,
    });
    let revoked = scene(&[FIRST], |_| REVOKED);
    for _ in 0..5 {
        let answer = limited.mint().await;
        assert_eq!(answer.code(), "provider_rate_limited");
        let wait = answer.json()["retry_after"].as_u64().unwrap();
        assert!((20..=40).contains(&wait), "{wait}");
        assert_eq!(revoked.mint().await.code(), "provider_refused");
    }
    assert_eq!((limited.asked(), revoked.asked()), (2, 1));
    limited.end();
    revoked.end();
}

#[tokio::test]
async fn a_provider_that_is_down_is_left_alone_and_found_again_when_it_is_back() {
    let up = Arc::new(AtomicBool::new(false));
    let is_up = up.clone();
    let scene = scene(&[FIRST], move |_| match is_up.load(Ordering::Relaxed) {
        true => Reply::Token,
        false => Reply::Status(500, "", ""),
    });
    for _ in 0..5 {
        assert_eq!(scene.mint().await.code(), "provider_unavailable");
    }
    let begun = Instant::now();
    for _ in 0..20 {
        let answer = scene.mint().await;
        assert_eq!(answer.code(), "provider_unavailable");
        assert!(answer.json()["retry_after"].as_u64().unwrap() <= 2, "{}", answer.text);
    }
    // One probe a second at most, and then less.
    let probes = usize::try_from(begun.elapsed().as_secs()).unwrap() + 1;
    let asked = scene.asked();
    assert!(asked <= 5 + probes, "{asked} requests");
    // Those that were not sent are not among them, nor in the record.
    for (result, count) in [("unknown", asked), ("nothing", 0)] {
        let mints = "valetkey_mints_total{provider=\"elevenlabs\"";
        let line = format!("{mints},result=\"{result}\"}} {count}\n");
        assert!(scene.metrics().await.contains(&line), "{line}");
    }
    let open = "valetkey_provider_breaker_open{provider=\"elevenlabs\",key=\"1\"} 1\n";
    assert!(scene.metrics().await.contains(open));
    up.store(true, Ordering::Relaxed);
    let vends = async || (scene.mint().await.status == 200).then_some(());
    until(vends, || "it is not found again".to_owned()).await;
    assert_eq!(scene.mint().await.status, 200);
    assert!(!scene.metrics().await.contains(open));
    for change in ["the provider fails", "the provider answers again"] {
        assert_eq!(scene.log(change).len(), 1, "{change}");
    }
    scene.end();
}

#[tokio::test]
async fn a_provider_in_trouble_is_asked_a_tenth_more_at_most() {
    const TROUBLE: Reply = Reply::Status(503, "retry-after: 0\r\n", "");
    // Not so often that it is left alone.
    let scene = scene(&[FIRST], |asked| if asked.number % 5 == 0 { TROUBLE } else { Reply::Token });
    let mut minted = 0;
    for _ in 0..30 {
        let answers = join_all((0..10).map(|_| scene.mint())).await;
        minted += answers.iter().filter(|answer| answer.status == 200).count();
    }
    let asked = scene.asked();
    assert!((315..=330).contains(&asked), "{asked} requests, {minted} tokens");
    let down = self::scene(&[FIRST], |_| TROUBLE);
    for _ in 0..20 {
        join_all((0..25).map(|_| down.mint())).await;
    }
    assert!((5..=550).contains(&down.asked()), "{} requests", down.asked());
    scene.end();
    down.end();
}

#[tokio::test]
async fn a_connection_in_use_that_is_closed_is_no_failure() {
    // Once there is a budget for it: just when another request arrives on a connection that was used before.
    let closed = Arc::new(AtomicBool::new(false));
    let is_closed = closed.clone();
    let scene = scene(&[FIRST], move |asked| {
        let is_kept = asked.number >= 10 && asked.on_connection > 0;
        if is_kept && !is_closed.swap(true, Ordering::SeqCst) {
            return Reply::Hangup;
        }
        Reply::Token
    });
    let mut minted = 0;
    while !closed.load(Ordering::SeqCst) {
        let answer = scene.mint().await;
        minted += 1;
        assert_eq!(answer.status, 200, "{minted}: {}", answer.text);
        assert!(minted < 100, "no connection is used again");
    }
    assert_eq!(scene.asked(), minted + 1);
    let retries = "valetkey_provider_retries_total{provider=\"elevenlabs\",reason=\"stale\"} 1\n";
    assert!(scene.metrics().await.contains(retries));
    scene.end();
}

#[tokio::test]
async fn what_may_have_minted_is_not_asked_again() {
    for last in [Reply::Hangup, Reply::Status(502, "retry-after: 0\r\n", "")] {
        let scene = scene(&[FIRST], move |asked| match asked.number {
            ..10 => Reply::LastToken,
            _ => last,
        });
        for _ in 0..10 {
            assert_eq!(scene.mint().await.status, 200);
        }
        assert_eq!(scene.mint().await.code(), "provider_unavailable");
        assert_eq!(scene.asked(), 11);
        scene.end();
    }
}

#[tokio::test]
async fn a_single_use_token_never_reaches_two_callers() {
    let scene = scene(&[FIRST, SECOND], |_| Reply::Status(200, "", r#"{"token":"a"}"#));
    assert_eq!(scene.mint().await.status, 200);
    for _ in 0..3 {
        assert_eq!(scene.mint().await.code(), "provider_invalid_response");
    }
    scene.end();
}
