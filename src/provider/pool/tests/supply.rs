//! How much is minted, and when.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use tokio::time::sleep;

use super::{
    super::{IDLE, MOST_REFILLS},
    support::{Does, set},
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_quiet_pool_mints_nothing() {
    let set = set(32);
    sleep(IDLE * 10).await;
    assert_eq!((set.asked(), set.is_kept()), (0, false));
}

#[tokio::test(start_paused = true)]
async fn the_first_finds_none_and_the_second_does() {
    let set = set(32);
    assert_eq!(set.take(), None);
    sleep(SECOND).await;
    assert_eq!((set.minted(), set.stock()), (1, 1), "one was asked for, and one is held ready");
    assert!(set.take().is_some());
    sleep(SECOND).await;
    assert_eq!(set.stock(), 2, "two were asked for lately");
    set.adds_up(1);
}

#[tokio::test(start_paused = true)]
async fn as_many_are_held_as_were_asked_for_lately_up_to_its_size() {
    let set = set(5);
    for asked in 1..=3 {
        set.take();
        sleep(SECOND).await;
        assert_eq!(set.stock(), asked);
    }
    set.hits(100, SECOND / 100).await;
    sleep(SECOND).await;
    assert_eq!(set.stock(), 5);
    sleep(20 * SECOND).await;
    let before = set.minted();
    assert!(set.take().is_some());
    sleep(SECOND).await;
    assert_eq!(
        (set.minted(), set.stock()),
        (before, 4),
        "hardly anyone asks, and there are enough"
    );
}

#[tokio::test(start_paused = true)]
async fn it_keeps_up_with_callers_by_as_many_mints_at_once_as_it_takes() {
    let set = set(10_000);
    // 192 in a second, each of which takes 150 ms: 29 at once.
    let every = SECOND / 192;
    set.hits(400, every).await;
    set.fake.most_at_once.store(0, Relaxed);
    let hits = set.hits(2_000, every).await;
    assert_eq!(hits, 2_000);
    let at_once = set.fake.most_at_once.load(Relaxed);
    assert!((29..=u64::from(MOST_REFILLS)).contains(&at_once), "{at_once} at once");
    // Few callers need few, and slow providers more than there may be.
    set.hits(200, SECOND / 10).await;
    set.fake.most_at_once.store(0, Relaxed);
    assert_eq!(set.hits(100, SECOND / 10).await, 100);
    let at_once = set.fake.most_at_once.load(Relaxed);
    assert!(at_once <= 4, "{at_once} at once");
    *set.fake.latency.lock().unwrap() = 5 * SECOND;
    set.hits(1_000, every).await;
    assert_eq!(set.fake.most_at_once.load(Relaxed), u64::from(MOST_REFILLS));
}

#[tokio::test(start_paused = true)]
async fn after_a_while_without_anyone_it_stops_and_what_is_left_is_used_or_expires() {
    let set = set(4);
    // They outlive the pool's waking.
    set.fake.now(&[Does::MintFor(2_000)]);
    set.hits(10, SECOND / 10).await;
    sleep(SECOND).await;
    let minted = set.minted();
    assert_eq!(set.stock(), 4);
    sleep(IDLE + SECOND).await;
    assert!(set.is_kept(), "it watches over what is left");
    // Asking wakes it up again.
    assert!(set.take().is_some());
    sleep(SECOND).await;
    assert_eq!((set.stock(), set.minted()), (3, minted), "one is enough by now");
    sleep(IDLE * 4).await;
    assert_eq!((set.stock(), set.is_kept()), (0, false));
    assert_eq!(set.counted(&["pool_discards_total", "expired"]), 3);
    assert_eq!(set.minted(), minted);
    assert_eq!(set.take(), None);
    sleep(SECOND).await;
    assert_eq!((set.stock(), set.is_kept()), (1, true), "and it begins anew");
}

#[tokio::test(start_paused = true)]
async fn what_gets_too_old_is_replaced_while_someone_asks() {
    let set = set(1);
    let mut taken = Vec::new();
    for _ in 0..20 {
        taken.extend(set.take());
        sleep(IDLE - SECOND).await;
    }
    assert_eq!(taken.len(), 19, "nobody asks often, and each finds a good one");
    set.adds_up(19);
}

#[tokio::test(start_paused = true)]
async fn nothing_that_is_good_for_too_short_is_handed_out() {
    let set = set(8);
    // 600 s must be left when it is handed out.
    set.fake.now(&[Does::MintFor(600)]);
    set.hits(100, SECOND).await;
    assert_eq!(set.counted(&["pool_requests_total", "hit"]), 0);
    let asked = set.asked();
    assert!((4..=12).contains(&asked), "{asked} were minted for nothing in 100 s");
    assert_eq!(set.counted(&["pool_discards_total", "expired"]).unsigned_abs(), set.minted());
    set.fake.now(&[Does::MintFor(605)]);
    sleep(100 * SECOND).await;
    set.take();
    sleep(SECOND / 5).await;
    assert!(set.take().is_some());
    sleep(6 * SECOND).await;
    set.take();
    set.adds_up(set.counted(&["pool_requests_total", "hit"]).unsigned_abs());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_makes_no_token_live_longer() {
    let set = set(2);
    set.hits(10, SECOND).await;
    assert_eq!(set.stock(), 2);
    // Forward: they look older than they are.
    set.set_forward.store(301, Relaxed);
    assert_eq!(set.take(), None);
    sleep(SECOND).await;
    assert!(set.take().is_some());
    sleep(SECOND).await;
    // Back: they look younger, and are not.
    set.set_forward.store(-10_000, Relaxed);
    sleep(IDLE * 3).await;
    assert_eq!(set.stock(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_gauge_is_what_is_there() {
    let set = set(8);
    for _ in 0..50 {
        set.take();
        sleep(SECOND / 20).await;
        assert_eq!(set.counted(&["pool_stock"]), i64::try_from(set.stock()).unwrap());
    }
}
