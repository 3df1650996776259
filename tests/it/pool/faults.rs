//! What goes wrong at the provider is no worse with a pool than without one.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::Pooled;
use crate::support::raw::Reply;

const POOL: [(&str, &str); 1] = [("SIZE", "20")];

/// What callers get, one every 20 ms.
fn ask(pooled: &Pooled, times: usize) -> Vec<Reply> {
    let mut caller = pooled.caller();
    let pause = Duration::from_millis(20);
    let ask = |_| {
        thread::sleep(pause);
        caller.ask()
    };
    (0..times).map(ask).collect()
}

fn failures(got: &[Reply]) -> usize {
    got.iter().filter(|it| it.status != 200).count()
}

/// Callers meet `fault` with a full pool, and without a pool: gives how many fail of each.
async fn compare(fault: &str, times: usize) -> (usize, usize) {
    let (with, without) = (Pooled::start(&POOL), Pooled::start(&[]));
    with.fill(20).await;
    let before = with.minted().await;
    // So that the other knows its provider as well.
    ask(&without, 20);
    with.fault(fault).await;
    without.fault(fault).await;
    let got = thread::scope(|scope| {
        let got = scope.spawn(|| ask(&with, times));
        let without = ask(&without, times);
        (got.join().unwrap(), without)
    });
    for (pooled, got) in [(&with, &got.0), (&without, &got.1)] {
        let codes: Vec<_> =
            got.iter().filter_map(|it| it.json()["code"].as_str().map(str::to_owned)).collect();
        let known = ["provider_unavailable", "provider_rate_limited", "provider_refused"];
        assert!(codes.iter().all(|code| known.contains(&code.as_str())), "{codes:?}");
        pooled.mend().await;
    }
    assert!(got.0.iter().take(15).all(Reply::is_hit), "the pool bridges the beginning");
    assert!(with.minted().await >= before);
    (failures(&got.0), failures(&got.1))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down() {
    let (with, without) = compare("elevenlabs/mint:status=503", 60).await;
    assert!(with < without, "{with} with a pool, {without} without");
    assert!(with > 0, "it cannot go on for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_limits_the_rate() {
    let (with, without) = compare("elevenlabs/mint:status=429,retry_after=1,times=2", 100).await;
    assert!(with <= without, "{with} with a pool, {without} without");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_refuses_the_key() {
    let pooled = Pooled::start(&POOL);
    pooled.fill(20).await;
    pooled.fault("elevenlabs/mint:status=401").await;
    // Whoever refills finds out, and what was minted with the key is not handed out any more.
    let got = ask(&pooled, 40);
    let first = got.iter().position(|it| it.status == 502).expect("nobody was refused");
    assert!(got[first..].iter().all(|it| it.status == 502), "a token of a key that is refused");
    assert_eq!(pooled.stock().await, 0);
    assert!(pooled.metric("valetkey_pool_discards_total", "key_refused").await > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_slow() {
    let pooled = Pooled::start(&[("SIZE", "50")]);
    pooled.fill(50).await;
    pooled.fault("elevenlabs/mint:latency=400ms").await;
    let mut caller = pooled.caller();
    for _ in 0..80 {
        let begun = Instant::now();
        let got = caller.ask();
        let took = begun.elapsed();
        assert_eq!(got.status, 200);
        if got.is_hit() {
            assert!(took < Duration::from_millis(300), "a hit took {took:?}");
        } else {
            // As long as the provider, and not as long as those before it in the pool's queue.
            assert!(took > Duration::from_millis(390), "a miss took {took:?}");
            assert!(took < Duration::from_millis(1500), "a miss took {took:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_filled_again_when_the_provider_is_back() {
    let pooled = Pooled::start(&POOL);
    pooled.fill(20).await;
    pooled.fault("elevenlabs/mint:status=500").await;
    ask(&pooled, 60);
    assert_eq!(pooled.stock().await, 0);
    pooled.mend().await;
    // Callers find out that it is back; then the pool follows.
    pooled.fill(10).await;
    assert!(pooled.caller().ask().is_hit());
}
