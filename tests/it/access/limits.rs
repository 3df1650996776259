//! How many, and how often.

use super::{Guarded, answer, key, outcome};

#[tokio::test]
async fn authorised_caller_farms_tokens_until_the_rate_and_then_the_quota() {
    let limits = "[limits.caller]\nrate = \"100/s\"\nburst = 3\nquota = \"5/d\"\n";
    let guarded = Guarded::start(&format!("{limits}{}{}", key("a"), key("b")));
    let ask = |key: &str| guarded.session().bearer_auth(format!("vk_{key}"));
    let mut outcomes = Vec::new();
    while outcomes.last().is_none_or(|last| last != "quota_exhausted") {
        assert!(outcomes.len() < 200, "{outcomes:?}");
        outcomes.push(outcome(ask("a")).await);
    }
    assert_eq!(outcomes.iter().filter(|it| *it == "ok").count(), 5);
    let refused = answer(ask("a")).await;
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((86_000..=86_400).contains(&wait), "{wait}");
    assert_eq!(refused.header("x-should-retry"), Some("false"), "no SDK waits a day");
    assert_eq!(outcome(ask("b")).await, "ok", "each caller has its own");
    assert_eq!(guarded.minted().await, 6);
}

#[tokio::test]
async fn every_answer_of_a_limited_route_says_where_the_caller_stands() {
    let limits = "[limits.caller]\nrate = \"30/m\"\nburst = 10\nquota = \"200/d\"\n";
    let guarded = Guarded::start(&format!("{limits}{}", key("a")));
    let first = answer(guarded.session().bearer_auth("vk_a")).await;
    let policy = first.header("ratelimit-policy").unwrap();
    assert!(policy.contains("\"caller\";q=30;w=60"), "{policy}");
    assert!(policy.contains("\"caller_quota\";q=200;w=86400"), "{policy}");
    assert!(!policy.contains("\"token\""), "how others stand is nobody's business: {policy}");
    let standing = first.header("ratelimit").unwrap();
    assert!(standing.contains("\"caller\";r=9;t="), "{standing}");
    assert!(standing.contains("\"caller_quota\";r=199;t="), "{standing}");
    for (request, status) in [
        (guarded.session(), 401),
        (guarded.post("/tokens/nope").bearer_auth("vk_a"), 404),
        (guarded.session().bearer_auth("vk_a").body("x"), 415),
        (guarded.get("/tokens").bearer_auth("vk_a"), 200),
    ] {
        let answer = answer(request).await;
        assert_eq!(answer.status.as_u16(), status);
        assert!(answer.header("ratelimit").unwrap().contains("\"address\";r="), "{status}");
    }
}

#[tokio::test]
async fn what_provably_minted_nothing_is_given_back() {
    let limits = "[limits.caller]\nrate = \"3/d\"\nburst = 3\n";
    let start = || Guarded::start(&format!("{limits}{}", key("a")));
    // A provider remembers how it was treated, so each has one of its own.
    for (fault, code) in
        [("revoked", "provider_refused"), ("status=429,retry_after=1", "provider_rate_limited")]
    {
        let guarded = start();
        guarded.stand_ins.set_faults(&[&format!("xai/mint:{fault}")]).await;
        for _ in 0..5 {
            assert_eq!(outcome(guarded.session().bearer_auth("vk_a")).await, code);
        }
    }
    let guarded = start();
    let ask = || guarded.session().bearer_auth("vk_a");
    // Who knows whether there is a token after these.
    for (fault, code) in
        [("not_json", "provider_invalid_response"), ("close", "provider_unavailable")]
    {
        guarded.stand_ins.set_faults(&[&format!("xai/mint:{fault}")]).await;
        assert_eq!(outcome(ask()).await, code);
    }
    guarded.stand_ins.set_faults(&[]).await;
    assert_eq!(outcome(ask()).await, "ok");
    assert_eq!(outcome(ask()).await, "rate_limited");
}

#[tokio::test]
async fn a_refused_request_spends_nothing_of_the_callers() {
    let limits = "[limits.caller]\nrate = \"2/d\"\nburst = 2\n";
    let guarded = Guarded::start(&format!("{limits}{}", key("a")));
    let ask = || guarded.session().bearer_auth("vk_a");
    for _ in 0..5 {
        assert_eq!(
            outcome(ask().header("content-type", "application/json").body("{")).await,
            "malformed_request"
        );
        assert_eq!(
            outcome(ask().header("origin", "https://evil.example")).await,
            "origin_not_allowed"
        );
        assert_eq!(
            outcome(guarded.post("/tokens/nope").bearer_auth("vk_a")).await,
            "unknown_token_type"
        );
    }
    assert_eq!(outcome(ask()).await, "ok");
    assert_eq!(outcome(ask()).await, "ok");
    assert_eq!(outcome(ask()).await, "rate_limited");
}

#[tokio::test]
async fn a_limit_can_look_on_without_refusing() {
    let limits = "[limits.caller]\nmode = \"observe\"\nrate = \"1/d\"\nburst = 1\n";
    let guarded = Guarded::start(&format!("{limits}{}", key("a")));
    for _ in 0..3 {
        let answer = answer(guarded.session().bearer_auth("vk_a")).await;
        assert_eq!(answer.status, 200);
        let policy = answer.header("ratelimit-policy").unwrap();
        assert!(!policy.contains("caller"), "it does not hold the caller to it: {policy}");
    }
    guarded.server.log_line(|line| line["limit"] == "caller");
    guarded.server.wait_for_stdout("\"observed\":[\"caller\"]");
}

#[tokio::test]
async fn the_budget_of_a_token_type_is_everyones_together() {
    let limits = "[limits.token]\nquota = \"4/d\"\n[limits.caller_token]\nquota = \"3/d\"\n";
    let guarded = Guarded::start(&format!("{limits}{}{}", key("a"), key("b")));
    let ask = |key: &str, path: &str| guarded.post(path).bearer_auth(format!("vk_{key}"));
    for _ in 0..3 {
        assert_eq!(outcome(ask("a", "/tokens/batch_scribe")).await, "ok");
    }
    assert_eq!(outcome(ask("a", "/tokens/batch_scribe")).await, "quota_exhausted", "of the type");
    assert_eq!(outcome(ask("a", "/tokens/tts_websocket")).await, "ok", "another type");
    assert_eq!(outcome(ask("b", "/tokens/batch_scribe")).await, "ok");
    assert_eq!(outcome(ask("b", "/tokens/batch_scribe")).await, "quota_exhausted", "of everyone");
}
