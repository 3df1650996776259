//! Waiting for what comes, and not for longer than is sensible.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How long anything may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Asks `holds` again and again until it gives something. In vain it panics with what `told` says.
pub fn wait_for<T>(mut holds: impl FnMut() -> Option<T>, told: impl FnOnce() -> String) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = holds() {
            return found;
        }
        if begun.elapsed() > PATIENCE {
            panic!("in vain: {}", told());
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// As [`wait_for`], for what has to be awaited.
pub async fn until<T>(holds: impl AsyncFn() -> Option<T>, told: impl FnOnce() -> String) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = holds().await {
            return found;
        }
        if begun.elapsed() > PATIENCE {
            panic!("in vain: {}", told());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
