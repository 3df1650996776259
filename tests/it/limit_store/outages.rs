//! Everything that can befall a Redis. Whatever it is, requests go on, with the limits of memory.

use std::{
    io,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use valetkey::{
    base::secret::Secret,
    limit::{Limiter, StoreState},
};

use super::{answered, replica, spend, until};
use crate::support::redis::{PASSWORD, Redis};

/// What holds while Redis cannot be used: requests are judged at once, by what is known here.
async fn assert_local_only(limiter: &Limiter) {
    let (since, before) = (Instant::now(), limiter.spent_without_redis());
    for number in before..before + 1_000 {
        assert!(spend(limiter, 1, &format!("local-{number}")).await);
        assert!(!spend(limiter, 1, &format!("local-{number}")).await, "memory does not count");
    }
    assert_eq!(limiter.spent_without_redis() - before, 1_000);
    // Had each of them waited 25 ms, it would have been 25 s.
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn redis_killed_and_restarted_is_used_again() {
    let mut redis = Redis::start();
    let limiter = replica(&redis.url());
    for _ in 0..2 {
        assert!(answered(&[&limiter], async |who| spend(&limiter, 2, &who).await).await);
        redis.kill();
        until(&limiter, Err("refused")).await;
        assert_local_only(&limiter).await;
        redis.appear();
    }
    until(&limiter, Ok(())).await;
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn redis_hung_holds_up_nobody() {
    let redis = Redis::start();
    let limiter = replica(&redis.url());
    until(&limiter, Ok(())).await;
    assert!(spend(&limiter, 2, "before").await);
    redis.stop();
    // The first few wait for their 25 ms, of a machine that may be busy.
    let mut waiting = 0;
    while limiter.store_state() == StoreState::Shared {
        let since = Instant::now();
        assert!(spend(&limiter, 1, &format!("first-{waiting}")).await);
        assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
        waiting += 1;
        assert!(waiting <= 10, "the breaker does not open");
    }
    until(&limiter, Err("timeout")).await;
    // What was spent with Redis was counted here as well.
    let more = [spend(&limiter, 2, "before").await, spend(&limiter, 2, "before").await];
    assert_eq!(more, [true, false]);
    assert_local_only(&limiter).await;
    redis.go_on();
    until(&limiter, Ok(())).await;
    // Those few were still on their way; the thousands after them were never sent.
    assert!((1..100).contains(&redis.calls()), "{} calls", redis.calls());
    assert!(answered(&[&limiter], async |who| spend(&limiter, 1, &who).await).await);
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn redis_slow_is_left_alone_until_it_is_quick() {
    let redis = Redis::start();
    let limiter = replica(&redis.url());
    until(&limiter, Ok(())).await;
    redis.ask::<()>("CLIENT PAUSE 5000 ALL");
    until(&limiter, Err("timeout")).await;
    assert!(spend(&limiter, 1, "me").await);
    until(&limiter, Ok(())).await;
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn redis_read_only_or_full_is_not_used() {
    let redis = Redis::start();
    let limiter = replica(&redis.url());
    for (breaks, mends, reason) in [
        ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", "read_only"),
        ("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0", "full"),
        ("ACL SETUSER valetkey -evalsha", "ACL SETUSER valetkey +evalsha", "permission"),
    ] {
        until(&limiter, Ok(())).await;
        redis.ask::<()>(breaks);
        until(&limiter, Err(reason)).await;
        assert_local_only(&limiter).await;
        redis.ask::<()>(mends);
    }
    until(&limiter, Ok(())).await;
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_redis_that_does_not_know_us_is_not_used_and_nothing_shows_the_password() {
    let redis = Redis::start();
    let wrong = replica(&redis.url().replace(PASSWORD, "canary-wrong"));
    until(&wrong, Err("authentication")).await;
    assert!(!format!("{wrong:?}").contains("canary"));
    let tls = replica(&format!("rediss://valetkey:{PASSWORD}@127.0.0.1:{}", redis.port()));
    until(&tls, Err("timeout")).await;
    assert!(spend(&tls, 1, "me").await);
    for url in ["canary", "http://canary", "redis://:canary@", "redis://canary@h:x"] {
        let error = Limiter::with_redis(Secret::new(url), Secret::new("k".repeat(32)));
        assert!(error.is_err_and(|error| !error.contains("canary")), "{url}");
    }
    let short = Limiter::with_redis(Secret::new(redis.url()), Secret::new("canary"));
    assert!(short.unwrap_err().contains("32 bytes"));
}

/// What is logged by this thread.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn an_outage_is_logged_once_and_so_is_its_end() {
    let lines = Lines::default();
    let writer = lines.clone();
    let log = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // Another thread's test may meet an event first, and note for all that nobody wants it; not where
    // everyone has a subscriber.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
    let _log = tracing::subscriber::set_default(log);
    let mut redis = Redis::absent();
    let limiter = replica(&redis.url());
    until(&limiter, Err("refused")).await;
    assert_local_only(&limiter).await;
    redis.appear();
    assert!(answered(&[&limiter], async |who| spend(&limiter, 1, &who).await).await);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    for once in ["limits hold for this process only", "limits are shared again"] {
        assert_eq!(text.matches(once).count(), 1, "{text}");
    }
    assert!(text.contains("refused") && !text.contains("canary"), "{text}");
}
