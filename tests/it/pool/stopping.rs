//! The end of a server that is filling its pool.

use std::time::{Duration, Instant};

use super::{Pooled, count};

#[tokio::test(flavor = "multi_thread")]
async fn in_mid_refill_everyone_is_served_and_all_is_accounted_for() {
    let mut pooled = Pooled::start_with(&[("SIZE", "50")], "1500ms", "10s");
    pooled.fill(50).await;
    pooled.fault("elevenlabs/mint:latency=300ms").await;
    let mut caller = pooled.caller();
    (0..10).for_each(|_| assert!(caller.ask().is_hit()));
    let (begun, before) = (Instant::now(), pooled.minted().await);
    pooled.server.signal("TERM");
    // The connection is kept until the end of the lame duck, and told then.
    let mut callers = (0..10).map(|_| pooled.caller());
    assert!(callers.all(|mut caller| caller.ask().status == 200));
    // The stand-ins end with it, so that they are asked shortly before. Until then there is time enough for
    // as many again.
    tokio::time::sleep(Duration::from_millis(1000)).await;
    assert!(pooled.minted().await <= before + 10, "no more than was on its way");
    assert!(pooled.server.wait().success());
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "it does not wait for the pool to be used up"
    );
    let lines = pooled.lines();
    let minted = |line: &&serde_json::Value| line["minted"] == "yes";
    let ended = lines.iter().filter(minted).count() as u64;
    let announced = count(&lines, "refill", None) + count(&lines, "mint", None);
    assert_eq!(announced, ended, "each has an end");
    assert!(count(&lines, "discard", Some("stopped")) > 20);
    let log = pooled.server.log();
    let says = |text: &str| log.iter().any(|it| it["message"].as_str().unwrap().contains(text));
    assert!(says("the pool's tokens are discarded") && says("everything in flight was finished"));
}

#[tokio::test(flavor = "multi_thread")]
async fn also_when_it_has_to_stop_at_once() {
    let mut pooled = Pooled::start_with(&[("SIZE", "20")], "20s", "10s");
    pooled.fill(20).await;
    pooled.server.signal("TERM");
    pooled.server.log_line(|line| line["lame_duck_ms"].is_number());
    assert_eq!(pooled.server.terminate(), Some(0));
    let lines = pooled.lines();
    assert!(count(&lines, "discard", Some("stopped")) >= 19);
    assert_eq!(count(&lines, "discard", Some("lost")), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_hangs_does_not_hold_up_the_end_for_longer_than_a_drain() {
    let pooled = Pooled::start_with(&[("SIZE", "5")], "0s", "2s");
    pooled.fill(5).await;
    pooled.fault("elevenlabs/mint:hang").await;
    let mut caller = pooled.caller();
    (0..3).for_each(|_| assert!(caller.ask().is_hit()));
    let begun = Instant::now();
    let lines = pooled.end();
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    let discarded = count(&lines, "discard", Some("stopped"));
    assert!(discarded >= 2, "{discarded}");
}
