//! Providers that fail, keys that are refused, settings that change, and the end.

use std::time::Duration;

use tokio::time::sleep;

use super::support::{Does, set};
use crate::provider::{ProviderError, Unreachable, pool::reason};

const SECOND: Duration = Duration::from_secs(1);

const DOWN: Does = Does::Fail(|| Unreachable::HungUp.into());

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_down_is_tried_less_and_less() {
    let set = set(32);
    set.fake.now(&[DOWN]);
    set.hits(300, SECOND).await;
    // 1, 2, 4, … and at last 60 to 75 s apart.
    let asked = set.asked();
    assert!((8..=11).contains(&asked), "{asked} times in 300 s");
    assert_eq!(set.counted(&["pool_failures_total"]).unsigned_abs(), asked);
    set.fake.now(&[Does::Mint]);
    set.hits(80, SECOND).await;
    assert_eq!(set.hits(10, SECOND).await, 10, "it is filled again");
    set.adds_up(set.counted(&["pool_requests_total", "hit"]).unsigned_abs());
}

#[tokio::test(start_paused = true)]
async fn it_is_filled_again_as_soon_as_a_caller_gets_a_token() {
    let set = set(32);
    set.fake.now(&[DOWN]);
    set.hits(100, SECOND).await;
    set.fake.now(&[Does::Mint]);
    let asked = set.asked();
    set.hits(2, SECOND).await;
    assert_eq!(set.asked(), asked, "it pauses");
    set.pool.others_succeed();
    assert!(set.hits(10, SECOND).await >= 9);
}

#[tokio::test(start_paused = true)]
async fn where_the_provider_is_not_asked_it_is_no_failure_of_the_pools() {
    let set = set(32);
    let open = Does::Fail(|| {
        let why = ProviderError::BreakerOpen { retry_after: Duration::from_secs(30) };
        ProviderError::Unasked(Box::new(why))
    });
    set.fake.now(&[open]);
    set.hits(10, SECOND).await;
    assert_eq!(set.counted(&["pool_failures_total"]), 0);
}

#[tokio::test(start_paused = true)]
async fn what_the_provider_wants_to_wait_is_waited() {
    let set = set(32);
    let wait = || ProviderError::RateLimited { retry_after: Some(Duration::from_secs(40)) };
    set.fake.now(&[Does::Fail(wait)]);
    set.hits(40, SECOND).await;
    assert_eq!(set.asked(), 1, "once, and not again in 40 s");
    set.fake.now(&[Does::Mint]);
    set.hits(15, SECOND).await;
    assert!(set.stock() > 0);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_hangs_keeps_nobody_waiting() {
    let set = set(32);
    set.fake.now(&[Does::Hang]);
    for _ in 0..50 {
        let begun = tokio::time::Instant::now();
        assert_eq!(set.take(), None);
        assert_eq!(begun.elapsed(), Duration::ZERO);
        sleep(SECOND).await;
    }
    assert_eq!(set.asked(), 8, "as many as may be under way at once");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_refused_takes_its_tokens_along() {
    let set = set(4);
    set.hits(10, SECOND / 4).await;
    assert_eq!(set.stock(), 4);
    // One more is on its way when it happens.
    assert!(set.take().is_some());
    sleep(SECOND / 100).await;
    set.refusals.add_one();
    assert_eq!(set.take(), None, "whatever was minted before may be worth nothing");
    sleep(SECOND).await;
    assert_eq!(set.counted(&["pool_discards_total", "key_refused"]), 4);
    assert!(set.take().is_some(), "what is minted after is good");
    set.adds_up(set.counted(&["pool_requests_total", "hit"]).unsigned_abs());
}

#[tokio::test(start_paused = true)]
async fn with_other_settings_nothing_of_the_old_is_handed_out() {
    let set = set(4);
    set.hits(10, SECOND / 10).await;
    sleep(SECOND).await;
    assert!(set.take().is_some());
    sleep(SECOND / 100).await;
    // Requests that began before still have it.
    set.pool.replace(&set.means);
    assert_eq!(set.take(), None);
    sleep(SECOND).await;
    assert_eq!((set.take(), set.stock(), set.is_kept()), (None, 0, false));
    assert_eq!(set.counted(&["pool_discards_total", reason::REPLACED]), 4, "one was on its way");
    set.adds_up(set.counted(&["pool_requests_total", "hit"]).unsigned_abs());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_mints_no_more_and_gives_what_there_is() {
    let set = set(4);
    set.hits(20, SECOND / 10).await;
    sleep(SECOND).await;
    assert!(set.take().is_some());
    sleep(SECOND / 100).await;
    // In mid-refill.
    set.pool.drain();
    let minted = set.minted();
    assert!(set.take().is_some() && set.take().is_some());
    sleep(SECOND).await;
    assert_eq!((set.minted(), set.stock()), (minted + 1, 2), "what was on its way arrived");
    assert!(!set.is_kept(), "nobody keeps the process waiting");
    set.pool.stop(&set.means);
    set.means.tasks.close();
    set.means.tasks.wait().await;
    assert_eq!((set.take(), set.counted(&["pool_discards_total", reason::STOPPED])), (None, 2));
    set.adds_up(set.counted(&["pool_requests_total", "hit"]).unsigned_abs());
}
