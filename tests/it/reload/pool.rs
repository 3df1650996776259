//! What was minted ahead is thrown away when what it was minted with, or what it is for, changes, and
//! goes on when anything else does.

use std::{fs, time::Duration};

use super::{KEY, Running};
use crate::reload::provider::Provider;

const NEXT: &str = "xai-second-canary";

/// A pool, and limits that are in nobody's way.
const POOL: &str = "[limits.caller]\nmode = \"off\"\n[tokens.xai_realtime.pool]\nsize = 4\n";

/// A server that holds three tokens ready.
async fn filled() -> Running {
    let running = Running::start(POOL);
    fill(&running).await;
    running
}

async fn fill(running: &Running) {
    running
        .until(async || {
            running.mint().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            (stock(running).await >= 3).then_some(())
        })
        .await;
}

async fn stock(running: &Running) -> u64 {
    running.metric("valetkey_pool_stock{token_type=\"xai_realtime\"}").await
}

async fn hits(running: &Running) -> u64 {
    running.metric("valetkey_pool_requests_total{token_type=\"xai_realtime\",result=\"hit\"}").await
}

async fn discarded(running: &Running) -> u64 {
    let labels = "{token_type=\"xai_realtime\",reason=\"settings_changed\"}";
    running.metric(&format!("valetkey_pool_discards_total{labels}")).await
}

#[tokio::test]
async fn a_key_that_is_rotated_takes_its_tokens_along() {
    let running = filled().await;
    running.provider.take(&[KEY, NEXT]);
    running.replace("key", NEXT);
    running.hang_up().await;
    assert_eq!(stock(&running).await, 0);
    assert!(discarded(&running).await >= 3);
    for _ in 0..10 {
        assert_eq!(running.mint().await, NEXT);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(hits(&running).await > 0 && stock(&running).await > 0, "it is filled with new ones");
}

#[tokio::test]
async fn a_key_on_its_way_through_the_provider_is_thrown_away_too() {
    let running = filled().await;
    running.provider.take(&[KEY, NEXT]);
    running.provider.hold(true);
    // Refilling takes one from the stock, and waits for the provider.
    assert_eq!(running.mint().await, KEY);
    running.replace("key", NEXT);
    running.hang_up().await;
    running.provider.hold(false);
    for _ in 0..10 {
        assert_eq!(running.mint().await, NEXT);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn another_provider_takes_its_tokens_along() {
    let running = filled().await;
    let other = Provider::taking(&[KEY]);
    let text = running.text("off", POOL).replace(&running.provider.url, &other.url);
    let used = running.provider.used(KEY);
    running.replace("settings.toml", &text);
    running.hang_up().await;
    assert_eq!(stock(&running).await, 0);
    running.mint().await;
    assert!(other.used(KEY) >= 1, "nothing of the first is handed out");
    assert_eq!(running.provider.used(KEY), used);
}

#[tokio::test]
async fn another_lifetime_or_another_pool_takes_its_tokens_along() {
    let running = filled().await;
    let changed = format!("{POOL}[tokens.xai_realtime]\nttl = \"10m\"\n");
    for settings in [changed, POOL.replace('4', "5"), POOL.replace("size = 4", "size = 0")] {
        let (stock_before, before) = (stock(&running).await, discarded(&running).await);
        running.reload(&settings).await;
        assert_eq!((stock(&running).await, discarded(&running).await - before), (0, stock_before));
        if !settings.contains("size = 0") {
            fill(&running).await;
        }
    }
    let before = hits(&running).await;
    running.mint().await;
    assert_eq!(hits(&running).await, before, "there is no pool any more");
}

#[tokio::test]
async fn what_does_not_concern_it_leaves_it_alone() {
    let running = filled().await;
    // Until nobody fills it any more.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (before, used) = (stock(&running).await, running.provider.used(KEY));
    for round in 1..4 {
        let settings = format!("{POOL}[origins]\nallowed = [\"https://{round}.example\"]\n");
        running.reload(&settings).await;
    }
    running.reload("nonsense = 1").await;
    fs::remove_file(running.path("key")).unwrap();
    running.hang_up().await;
    assert_eq!((stock(&running).await, running.provider.used(KEY)), (before, used));
    let hits_before = hits(&running).await;
    assert_eq!(running.mint().await, KEY);
    assert_eq!(hits(&running).await, hits_before + 1);
    assert_eq!(discarded(&running).await, 0);
}
