//! Many requests, and issuers that misbehave or are down.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{task::JoinSet, time};

use super::{
    super::{Issuer, Rejected},
    claims, fetching,
    server::{Answer, Server, body, set},
    sets::pass,
    signer::{RSA, RSA_2},
    why,
};

fn token() -> String {
    RSA.sign(&claims(json!({})))
}

fn with_kid(kid: &str) -> String {
    RSA.sign_with(json!({"kid": kid}), &claims(json!({})))
}

/// How many of `tokens` are good, all sent at once.
async fn all_at_once(issuer: &Arc<Issuer>, tokens: impl IntoIterator<Item = String>) -> usize {
    let mut requests = JoinSet::new();
    for token in tokens {
        let issuer = issuer.clone();
        requests.spawn(async move { issuer.verify(&token).await.is_ok() });
    }
    requests.join_all().await.into_iter().filter(|good| *good).count()
}

/// Every answer that is no set of keys.
fn bad() -> Vec<(&'static str, Answer)> {
    let small = |kid: usize| json!({"kty": "oct", "kid": kid.to_string(), "k": "AA"});
    let many =
        |count: usize| (0..count).map(small).chain([RSA_2.jwk(json!({}))]).collect::<Vec<_>>();
    let twice = set(&[RSA_2.jwk(json!({}))]);
    let Answer::Body(mut twice, _) = twice else { unreachable!() };
    twice.splice(0..1, *b"{\"keys\":[],");
    vec![
        ("1 GiB", Answer::Endless(true)),
        ("no end", Answer::Endless(false)),
        ("HTML", body("<!doctype html><title>Sign in</title>")),
        ("no keys", set(&[])),
        ("none that can be used", set(&[small(1)])),
        ("10,000 keys", set(&many(10_000))),
        ("10,000 keys in 30 KB", set(&[vec![json!({}); 10_000], many(0)].concat())),
        ("51 keys", set(&many(50))),
        ("a list", body("[]")),
        ("null", body("null")),
        ("keys that are no list", body(r#"{"keys":{}}"#)),
        ("keys twice", body(twice)),
        ("nothing", body("")),
        ("half of it", body(r#"{"keys":[{"kty":"RSA","#)),
        ("500", Answer::Status(500, String::new())),
        ("204", Answer::Status(204, String::new())),
        ("hangs up", Answer::Close),
    ]
}

#[tokio::test]
async fn a_hundred_requests_at_once_fetch_the_keys_once() {
    let server = Server::with_keys(&[RSA.jwk(json!({}))]).await;
    let issuer = Arc::new(fetching(&server, "[\"RS256\"]"));
    assert_eq!(server.hits(), 0, "nothing is fetched before the first token");
    assert_eq!(all_at_once(&issuer, (0..100).map(|_| token())).await, 100);
    assert_eq!(server.hits(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_requests_on_many_threads_fetch_the_keys_once() {
    for _ in 0..20 {
        let server = Server::with_keys(&[RSA.jwk(json!({}))]).await;
        let issuer = Arc::new(fetching(&server, "[\"RS256\"]"));
        let token = token();
        assert_eq!(all_at_once(&issuer, (0..100).map(|_| token.clone())).await, 100);
        assert_eq!(server.hits(), 1);
    }
}

#[tokio::test]
async fn unknown_kid_flood_causes_two_fetches_at_most() {
    let server = Server::with_keys(&[RSA.jwk(json!({}))]).await;
    let issuer = Arc::new(fetching(&server, "[\"RS256\"]"));
    let tokens = |from: usize| (from..from + 200).map(|kid| with_kid(&format!("random-{kid}")));
    assert_eq!(all_at_once(&issuer, tokens(0)).await, 0);
    for token in tokens(200) {
        assert_eq!(why(issuer.verify(&token).await), "the kid is none of the issuer's");
    }
    assert_eq!(server.hits(), 2);
    pass(15).await;
    assert_eq!(all_at_once(&issuer, tokens(0)).await, 0);
    assert_eq!(server.hits(), 2);
    pass(16).await;
    assert_eq!(all_at_once(&issuer, tokens(0)).await, 0);
    assert_eq!(server.hits(), 3);
    assert!(issuer.verify(&token()).await.is_ok());
}

#[tokio::test]
async fn jwks_of_1_gib_html_redirect_no_keys_or_10_000_keys_leaves_the_last_good_set() {
    let elsewhere = Server::with_keys(&[RSA_2.jwk(json!({}))]).await;
    let server = Server::with_keys(&[RSA.jwk(json!({}))]).await;
    let issuer = fetching(&server, "[\"RS256\"]");
    assert!(issuer.verify(&token()).await.is_ok());
    let to = format!("location: {}/jwks.json\r\n", elsewhere.url);
    let redirects = [301, 302, 303, 307, 308].map(|status| Answer::Status(status, to.clone()));
    let redirects = redirects.into_iter().map(|answer| ("a redirect", answer));
    let theirs = RSA_2.sign(&claims(json!({})));
    for (hits, (name, answer)) in bad().into_iter().chain(redirects).enumerate() {
        server.answer(answer);
        pass(31).await;
        assert!(issuer.verify(&theirs).await.is_err(), "{name}");
        assert!(issuer.verify(&token()).await.is_ok(), "{name}");
        assert_eq!(server.hits(), hits + 2, "{name}");
    }
    assert_eq!(elsewhere.hits(), 0);
    server.answer(set(&[RSA_2.jwk(json!({}))]));
    pass(31).await;
    assert!(issuer.verify(&theirs).await.is_ok(), "and it is renewed as soon as it can be");
}

#[tokio::test]
async fn without_any_set_every_bad_answer_is_unavailable() {
    for (name, answer) in bad() {
        let server = Server::start(answer).await;
        let issuer = fetching(&server, "[\"RS256\"]");
        for _ in 0..5 {
            let result = issuer.verify(&token()).await;
            assert!(matches!(result, Err(Rejected::Unavailable(_))), "{name}: {result:?}");
        }
        assert_eq!(server.hits(), 1, "{name}");
        server.answer(set(&[RSA.jwk(json!({}))]));
        pass(2).await;
        assert!(issuer.verify(&token()).await.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn issuer_down_for_a_day_locks_nobody_out() {
    let server = Server::with_keys(&[RSA.jwk(json!({}))]).await;
    let issuer = fetching(&server, "[\"RS256\"]");
    assert!(issuer.verify(&token()).await.is_ok());
    server.answer(Answer::Close);
    for hour in 1..=24 {
        pass(3601).await;
        assert!(issuer.verify(&token()).await.is_ok(), "hour {hour}");
        time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.hits(), 25, "one attempt each time");
}

#[tokio::test]
async fn a_renewal_that_hangs_holds_up_nobody_whose_key_is_known() {
    let server = Server::with_keys(&[RSA.jwk(json!({}))]).await;
    let issuer = Arc::new(fetching(&server, "[\"RS256\"]"));
    assert!(issuer.verify(&token()).await.is_ok());
    server.answer(Answer::Hang);
    pass(3601).await;
    let started = Instant::now();
    let unknown = tokio::spawn({
        let issuer = issuer.clone();
        async move { issuer.verify(&with_kid("unknown")).await }
    });
    assert_eq!(all_at_once(&issuer, (0..50).map(|_| token())).await, 50);
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    assert!(!unknown.is_finished(), "who has an unknown kid waits");
    assert_eq!(why(unknown.await.unwrap()), "the kid is none of the issuer's");
    assert!(started.elapsed() < Duration::from_secs(7), "{:?}", started.elapsed());
    assert_eq!(server.hits(), 2);
}

#[tokio::test]
async fn a_fetch_outlives_the_request_that_began_it() {
    let server = Server::with_keys(&[]).await;
    let Answer::Body(body, _) = set(&[RSA.jwk(json!({}))]) else { unreachable!() };
    server.answer(Answer::Body(body, Duration::from_millis(300)));
    let issuer = Arc::new(fetching(&server, "[\"RS256\"]"));
    let hung_up = time::timeout(Duration::from_millis(50), issuer.verify(&token())).await;
    assert!(hung_up.is_err());
    assert!(issuer.verify(&token()).await.is_ok());
    assert_eq!(server.hits(), 1);
}
