//! Keys, retries and the deadline, with adapters that do as told and a clock that is told, too.

mod isolation;
mod prefetch;
mod retries;
mod support;

use std::{
    collections::VecDeque,
    sync::{Mutex, atomic::AtomicU32},
};

use super::*;
use crate::{
    metrics::Metrics,
    outbound::ConnectError,
    provider::{Refusal, Unreachable},
};
use support::*;

#[tokio::test(start_paused = true)]
async fn keys_take_turns() {
    let set = set(&[&[Does::Mint], &[Does::Mint], &[Does::Mint]]);
    for _ in 0..9 {
        set.mint().await.unwrap();
    }
    assert_eq!(set.asked(), [3, 3, 3]);
    set.fakes[1].now(REVOKED);
    for _ in 0..9 {
        set.mint().await.unwrap();
    }
    let asked = set.asked();
    assert_eq!((asked[1], asked[0] + asked[2]), (1, 9));
    assert!(asked[0].abs_diff(asked[2]) <= 1, "{asked:?}: those that are left share the rest");
}

#[tokio::test(start_paused = true)]
async fn nobody_notices_a_refused_key_while_another_is_good() {
    let set = set(&[&[REVOKED], &[Does::Mint]]);
    for _ in 0..20 {
        set.mint().await.unwrap();
    }
    assert_eq!(set.asked(), [1, 20]);
    let up = "valetkey_provider_key_up{provider=\"xai\",key=\"1\"}";
    assert_eq!(set.metric(up), "0");
    let refusals =
        "valetkey_provider_key_refusals_total{provider=\"xai\",key=\"1\",reason=\"key\"}";
    assert_eq!(set.metric(refusals), "1");
    pass(31).await;
    for _ in 0..4 {
        set.mint().await.unwrap();
    }
    assert_eq!(set.asked()[0], 1, "it is tried once and rests again");
    set.fakes[0].now(Does::Mint);
    pass(61).await;
    for _ in 0..4 {
        set.mint().await.unwrap();
    }
    assert_eq!(set.asked(), [2, 2]);
    assert_eq!(set.metric(up), "1");
}

#[tokio::test(start_paused = true)]
async fn a_lone_key_is_not_lost_for_good() {
    let set = set(&[&[REVOKED]]);
    let is_refused =
        |it| matches!(it, ProviderError::Refused { refusal: Refusal::Key, status: 401 });
    assert!(is_refused(set.error().await));
    for _ in 0..4 {
        assert!(is_refused(set.unasked().await));
    }
    assert_eq!(set.asked(), [1], "the rest was answered at once");
    pass(30).await;
    set.fakes[0].now(Does::Hang);
    let probe = tokio::spawn({
        let resilience = set.resilience.clone();
        async move {
            let spec = MintSpec { provider: "xai".into(), product: "realtime_scribe", ttl: 300 };
            resilience.mint(&spec).await
        }
    });
    tokio::task::yield_now().await;
    assert!(is_refused(set.unasked().await));
    assert_eq!(set.asked(), [1], "one tries at a time");
    assert!(matches!(probe.await.unwrap(), Err(ProviderError::Timeout(DEADLINE))));
    set.fakes[0].now(Does::Mint);
    set.mint().await.expect("the place of the one who tried is free");
}

#[tokio::test(start_paused = true)]
async fn a_limited_key_rests_as_long_as_it_is_told_to() {
    let set = set(&[&[Does::Fail(|| limited(7)), Does::Mint], &[Does::Mint]]);
    for _ in 0..6 {
        set.mint().await.unwrap();
    }
    assert_eq!(set.asked(), [1, 6]);
    pass(7).await;
    for _ in 0..6 {
        set.mint().await.unwrap();
    }
    assert_eq!(set.asked(), [3, 3]);
}

#[tokio::test(start_paused = true)]
async fn where_all_rest_the_answer_is_the_most_helpful() {
    let set = set(&[&[Does::Fail(|| limited(20))], &[Does::Fail(|| limited(9))], &[REVOKED]]);
    set.error().await;
    pass(2).await;
    let error = set.unasked().await;
    let ProviderError::RateLimited { retry_after: Some(wait) } = error else { panic!("{error}") };
    assert_eq!(wait.as_secs_f64().ceil() as u64, 7, "the earliest end of a rest");
    assert_eq!(set.asked(), [1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_wrong_is_no_fault_of_a_key() {
    const WRONG: Does =
        Does::Fail(|| ProviderError::Refused { refusal: Refusal::Request, status: 422 });
    let set = set(&[&[WRONG], &[WRONG]]);
    for _ in 0..4 {
        set.error().await;
    }
    assert_eq!(set.asked(), [2, 2], "each was asked once and rests not");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_may_be_wrong_does_not_take_good_keys_down() {
    let set = set(&[&[Does::Mint], &[Does::Mint]]);
    set.earn().await;
    set.fakes.iter().for_each(|fake| fake.now(EITHER));
    for _ in 0..3 {
        let error = match set.mint_with(3600).await.unwrap_err() {
            ProviderError::Unasked(why) => *why,
            error => error,
        };
        assert!(matches!(error, ProviderError::Refused { refusal: Refusal::KeyOrRequest, .. }));
    }
    assert_eq!(set.asked(), [1, 1], "it is not asked again for a while");
    set.fakes[1].now(Does::Mint);
    for _ in 0..6 {
        set.mint().await.unwrap();
    }
    let asked = set.asked();
    assert_eq!(asked[0], 1, "this request was good before, so it is the key");
    let set = self::set(&[&[EITHER]]);
    set.error().await;
    set.error().await;
    assert_eq!(set.asked(), [1], "nothing speaks for a key that never minted");
}

#[tokio::test(start_paused = true)]
async fn a_single_use_token_is_handed_out_once() {
    let set = set(&[&[Does::MintTheSame], &[Does::MintTheSame]]);
    set.mint().await.unwrap();
    let error = set.error().await;
    assert!(matches!(error, ProviderError::InvalidResponse(Invalid::Repeated)), "{error}");
    let reusable = MintSpec { provider: "xai".into(), product: "realtime", ttl: 300 };
    for _ in 0..2 {
        set.resilience.mint(&reusable).await.expect("it may be used again");
    }
}

#[tokio::test(start_paused = true)]
async fn an_api_key_is_no_token() {
    let set = set(&[&[Does::MintTheKey], &[Does::MintTheKey]]);
    for _ in 0..2 {
        let error = set.error().await;
        assert!(matches!(error, ProviderError::InvalidResponse(Invalid::Token)), "{error}");
    }
}
