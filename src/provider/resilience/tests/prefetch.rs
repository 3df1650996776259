//! Mints that nobody waits for.

use super::*;

impl Set {
    async fn ahead(&self) -> Result<Minted, ProviderError> {
        let spec = MintSpec { provider: "xai".into(), product: "realtime_scribe", ttl: 300 };
        Prefetch(Arc::clone(&self.resilience)).mint(&spec).await
    }
}

#[tokio::test(start_paused = true)]
async fn what_goes_wrong_with_them_is_nothing_to_callers() {
    const BUSY: Does = Does::Fail(|| limited(30));
    const BROKEN: Does = Does::Fail(|| Unreachable::HungUp.into());
    for does in [REVOKED, BUSY, BROKEN, DOWN, STALE] {
        let set = set(&[&[does]]);
        for _ in 0..30 {
            assert!(set.ahead().await.is_err());
        }
        assert_eq!(set.asked(), [30], "each is made once");
        set.fakes[0].now(Does::Mint);
        assert!(set.mint().await.is_ok(), "no key rests, and no breaker is open");
    }
}

#[tokio::test(start_paused = true)]
async fn they_do_not_find_out_whether_a_key_or_a_provider_is_back() {
    const BUSY: Does = Does::Fail(|| limited(3));
    const BROKEN: Does = Does::Fail(|| Unreachable::HungUp.into());
    for does in [REVOKED, BUSY, BROKEN] {
        let set = set(&[&[does]]);
        for _ in 0..5 {
            assert!(set.mint().await.is_err());
        }
        sleep(Duration::from_secs(40)).await;
        set.fakes[0].now(Does::Mint);
        set.asked();
        assert!(matches!(set.ahead().await, Err(ProviderError::Unasked(_))));
        assert_eq!(set.asked(), [0]);
        assert!(set.mint().await.is_ok(), "who waits does");
        assert!(set.ahead().await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn they_use_the_keys_that_are_good() {
    let set = set(&[&[Does::Mint], &[REVOKED]]);
    for _ in 0..4 {
        assert!(set.mint().await.is_ok());
    }
    set.asked();
    for _ in 0..10 {
        assert!(set.ahead().await.is_ok());
    }
    assert_eq!(set.asked(), [10, 0]);
}

#[tokio::test(start_paused = true)]
async fn they_earn_retries_for_callers_and_use_none() {
    let set = set(&[&[STALE]]);
    for _ in 0..10 {
        assert!(set.ahead().await.is_err());
    }
    assert_eq!(set.asked(), [10]);
    assert!(set.mint().await.is_err());
    assert_eq!(set.asked(), [2], "one retry was earned");
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_told_of_whoever_met_it() {
    let set = set(&[&[Does::Mint]]);
    set.mint().await.unwrap();
    set.fakes[0].now(REVOKED);
    let before = set.resilience.refusals().count();
    assert!(set.ahead().await.is_err());
    assert_eq!(set.resilience.refusals().count(), before + 1);
    assert!(set.mint().await.is_err());
    assert_eq!(set.resilience.refusals().count(), before + 2);
    assert!(set.mint().await.is_err());
    assert_eq!(set.resilience.refusals().count(), before + 2, "it rests already");
}
