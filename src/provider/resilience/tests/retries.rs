//! Asking again, and when not to.

use super::super::retry::PATIENCE;
use super::*;

#[tokio::test(start_paused = true)]
async fn a_provider_that_fails_is_left_alone_and_found_again() {
    let set =
        set(&[&[Does::Fail(|| ProviderError::Unavailable { status: 500, retry_after: None })]]);
    for _ in 0..100 {
        set.error().await;
    }
    assert_eq!(set.asked(), [5]);
    let before = Instant::now();
    let error = set.unasked().await;
    let ProviderError::BreakerOpen { retry_after } = error else { panic!("{error}") };
    assert!(error.minted_nothing() && retry_after <= Duration::from_secs(1));
    assert_eq!(Instant::now(), before, "nobody waited");
    let open = "valetkey_provider_breaker_open{provider=\"xai\",key=\"1\"}";
    assert_eq!(set.metric(open), "1");
    pass(1).await;
    set.error().await;
    set.error().await;
    assert_eq!(set.asked(), [1], "one probe");
    set.fakes[0].now(Does::Mint);
    pass(2).await;
    for _ in 0..3 {
        set.mint().await.unwrap();
    }
    assert_eq!(set.metric(open), "0");
    let opens = "valetkey_provider_breaker_opens_total{provider=\"xai\",key=\"1\"}";
    assert_eq!(set.metric(opens), "1");
}

#[tokio::test(start_paused = true)]
async fn who_was_asked_before_its_breaker_opened_was_asked() {
    let set = set(&[&[Does::Mint]]);
    for _ in 0..4 {
        set.earn().await;
    }
    set.asked();
    set.fakes[0].now(DOWN);
    assert!(set.error().await.was_asked());
    assert_eq!(set.asked(), [3]);
    let error = set.error().await;
    assert!(matches!(error, ProviderError::BreakerOpen { .. }), "{error}");
    assert_eq!(set.asked(), [2], "the third time it was open");
    set.unasked().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_an_error_of_ours_and_gives_its_place_back() {
    let set = set(&[&[DOWN, DOWN, DOWN, DOWN, DOWN, Does::Panic, Does::Mint]]);
    for _ in 0..5 {
        set.error().await;
    }
    pass(1).await;
    assert!(matches!(set.error().await, ProviderError::Died));
    set.mint().await.expect("another may probe");
}

#[tokio::test(start_paused = true)]
async fn one_deadline_is_over_everything() {
    let set = set(&[&[Does::Mint]]);
    set.earn().await;
    *set.fakes[0].does.lock().unwrap() = VecDeque::from([Does::Fail(|| limited(2)), Does::Hang]);
    let begun = Instant::now();
    assert!(matches!(set.error().await, ProviderError::Timeout(DEADLINE)));
    assert_eq!(begun.elapsed().as_secs(), DEADLINE.as_secs());
    assert_eq!(set.asked(), [2]);
    for _ in 0..4 {
        assert!(matches!(set.error().await, ProviderError::Timeout(DEADLINE)));
    }
    let error = set.unasked().await;
    assert!(matches!(error, ProviderError::BreakerOpen { .. }), "who hangs fails, too: {error}");
}

#[tokio::test(start_paused = true)]
async fn what_is_safe_is_asked_again_and_nothing_else() {
    let wait = |seconds| Some(Duration::from_secs(seconds));
    let cases: [(fn() -> ProviderError, u32); 17] = [
        (|| ConnectError::Refused.into(), 2),
        (|| ConnectError::Tls.into(), 2),
        (|| ConnectError::Name.into(), 2),
        (|| ConnectError::NoConnection.into(), 2),
        (|| Unreachable::Stale.into(), 2),
        (|| Unreachable::Unprocessed.into(), 2),
        (|| limited(2), 2),
        (|| ProviderError::Unavailable { status: 503, retry_after: Some(Duration::ZERO) }, 2),
        (|| ProviderError::Unavailable { status: 503, retry_after: Some(PATIENCE) }, 2),
        (|| ProviderError::Unavailable { status: 503, retry_after: Some(PATIENCE * 2) }, 1),
        (|| ProviderError::Unavailable { status: 503, retry_after: None }, 1),
        (|| ProviderError::Unavailable { status: 500, retry_after: Some(PATIENCE) }, 1),
        (|| limited(3), 1),
        (|| ProviderError::RateLimited { retry_after: None }, 1),
        (|| Unreachable::HungUp.into(), 1),
        (|| Invalid::NotHttp.into(), 1),
        (|| Invalid::Truncated.into(), 1),
    ];
    assert_eq!(may_retry(&limited(1), 0, chance).map(|it| it.1 >= wait(1).unwrap()), Some(true));
    for (error, asked) in cases {
        let set = set(&[&[Does::Mint]]);
        set.earn().await;
        *set.fakes[0].does.lock().unwrap() = VecDeque::from([Does::Fail(error), Does::Mint]);
        assert_eq!(set.mint().await.is_ok(), asked == 2, "{}", error());
        assert_eq!(set.asked(), [asked], "{}", error());
    }
}

#[tokio::test(start_paused = true)]
async fn there_are_two_retries_at_most_and_none_beyond_the_budget() {
    let set = set(&[&[Does::Mint]]);
    for _ in 0..5 {
        set.earn().await;
    }
    set.fakes[0].now(STALE);
    set.error().await;
    assert_eq!(set.asked(), [3]);
    let set = self::set(&[&[DOWN]]);
    set.error().await;
    assert_eq!(set.asked(), [1], "there is nothing to pay with yet");
}

#[tokio::test(start_paused = true)]
async fn who_was_in_doubt_once_stays_in_doubt() {
    let set = set(&[&[Does::Mint]]);
    set.earn().await;
    *set.fakes[0].does.lock().unwrap() = VecDeque::from([STALE, DOWN]);
    let error = set.error().await;
    assert!(matches!(error, ProviderError::Unreachable(Unreachable::Stale)), "{error}");
    assert!(!error.minted_nothing());
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_down_is_asked_hardly_more_often() {
    for down in [DOWN, Does::Fail(|| limited(1)), STALE] {
        let set = set(&[&[down], &[down]]);
        let mut asked = 0;
        for _ in 0..500 {
            set.error().await;
            pass(1).await;
            asked += set.asked().iter().sum::<u32>();
        }
        let retries = set.metrics.render();
        let retries = retries.lines().filter(|line| line.contains("provider_retries_total"));
        let retries: u32 =
            retries.map(|line| line.rsplit(' ').next().unwrap().parse::<u32>().unwrap()).sum();
        assert!(retries <= 50, "{retries} retries, {asked} requests");
    }
}
