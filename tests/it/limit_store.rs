//! Limits in a real Redis, with everything that can befall it.

use std::time::{Duration, Instant};

use valetkey::{
    limit::{Charge, Limiter, StoreState},
    secret::Secret,
    settings::{Limit, Mode, Quota, Rate},
};

use crate::support::redis::{PASSWORD, Redis};

const DAY: Duration = Duration::from_secs(86_400);

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

fn replica(url: &str) -> Limiter {
    Limiter::with_redis(Secret::new(url), Secret::new("k".repeat(32))).unwrap()
}

/// So many at once, and then no more in a test's time.
fn only(count: u32) -> Limit {
    let rate = Some(Rate { count: 1, per: DAY, burst: count });
    Limit { mode: Mode::Enforce, rate, quota: Some(Quota { count, per: DAY }) }
}

fn charge(limiter: &Limiter, policy: &'static str, limit: Limit, who: &str) -> Charge {
    Charge { policy, limit, subject: limiter.subject("caller", &[b"jwt", who.as_bytes()]) }
}

async fn spend(limiter: &Limiter, count: u32, who: &str) -> bool {
    let charge = charge(limiter, "caller", only(count), who);
    limiter.spend(&[], &[charge]).await.result.is_ok()
}

/// Waits until limits are shared, or are not for the reason given.
async fn until(limiter: &Limiter, expected: Result<(), &str>) {
    let since = Instant::now();
    loop {
        let state = match limiter.store_state() {
            StoreState::Shared => Ok(()),
            StoreState::LocalOnly { reason, .. } => Err(reason),
            StoreState::Memory => panic!("there should be a Redis"),
        };
        if state == expected {
            return;
        }
        assert!(since.elapsed() < PATIENCE, "{state:?} instead of {expected:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Repeats `round`, each with a name of its own, until Redis answered all of it: on a busy machine
/// 25 ms may pass, and then memory alone decides.
async fn answered<T>(limiters: &[&Limiter], mut round: impl AsyncFnMut(String) -> T) -> T {
    let without = || limiters.iter().map(|it| it.spent_without_redis()).sum::<u64>();
    for number in 0..50 {
        for limiter in limiters {
            until(limiter, Ok(())).await;
        }
        let before = without();
        let result = round(format!("caller-{number}")).await;
        if without() == before {
            return result;
        }
    }
    panic!("Redis is never quick enough")
}

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

#[tokio::test(flavor = "multi_thread")]
async fn replicas_never_admit_more_than_the_limit_together() {
    let redis = Redis::start();
    let (one, other) = (replica(&redis.url()), replica(&redis.url()));
    let admitted = answered(&[&one, &other], async |who| {
        let tasks = (0..40).map(|number| {
            let (limiter, who) = (if number % 2 == 0 { &one } else { &other }.clone(), who.clone());
            tokio::spawn(async move { spend(&limiter, 10, &who).await })
        });
        let mut admitted = 0;
        for task in tasks.collect::<Vec<_>>() {
            admitted += u32::from(task.await.unwrap());
        }
        admitted
    })
    .await;
    assert_eq!(admitted, 10);
}

#[tokio::test]
async fn what_redis_refuses_spends_nothing_here_either() {
    let redis = Redis::start();
    let (one, other) = (replica(&redis.url()), replica(&redis.url()));
    answered(&[&one, &other], async |who| {
        let (mine, theirs) =
            (charge(&one, "caller", only(2), &who), charge(&other, "caller", only(2), &who));
        let token = charge(&other, "token", only(5), &who);
        for _ in 0..2 {
            assert!(one.spend(&[], &[mine]).await.result.is_ok());
        }
        let before = other.spent_without_redis();
        let refused = other.spend(&[token], &[theirs]).await;
        if other.spent_without_redis() > before {
            return;
        }
        assert_eq!(refused.result.unwrap_err().policy, "caller");
        let remaining: Vec<_> =
            refused.standings.iter().map(|it| (it.policy, it.remaining)).collect();
        assert_eq!(remaining, [("token", 5), ("token", 5), ("caller", 0), ("caller", 0)]);
        // Here there is still room for both.
        assert_eq!(other.standing_here(&[theirs]).standings[0].remaining, 2);
    })
    .await;
}

#[tokio::test]
async fn what_is_given_back_is_there_for_other_replicas() {
    let redis = Redis::start();
    let (one, other) = (replica(&redis.url()), replica(&redis.url()));
    let again = answered(&[&one, &other], async |who| {
        let address = charge(&one, "address", only(3), &who);
        let spent = one.spend(&[address], &[charge(&one, "caller", only(1), &who)]).await.result;
        one.give_back(spent.unwrap()).await;
        let standings = one.spend(&[address], &[]).await.standings;
        (standings[0].remaining, spend(&other, 1, &who).await, spend(&other, 1, &who).await)
    })
    .await;
    // A request stays a request, whatever became of it.
    assert_eq!(again, (1, true, false));
}

#[tokio::test]
async fn nothing_in_redis_says_who_it_was_or_stays_for_ever() {
    let redis = Redis::start();
    let limiter = replica(&redis.url());
    answered(&[&limiter], async |_| {
        assert!(
            limiter
                .spend(&[], &[charge(&limiter, "caller", only(9), "alice@example.com")])
                .await
                .result
                .is_ok()
        );
    })
    .await;
    let keys: Vec<String> = redis.ask("KEYS *");
    let counted = keys.iter().filter(|key| key.starts_with("valetkey:{limits}:caller:")).count();
    assert_eq!(counted, 1, "{keys:?}");
    for key in keys {
        let hash = key.rsplit(':').next().unwrap();
        let is_hash = hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(key == "valetkey:{limits}:trial" || is_hash, "{key}");
        let left: i64 = redis.ask(&format!("PTTL {key}"));
        assert!(left > 0 || left == -2, "{key} stays");
        let text: Option<String> = redis.ask(&format!("GET {key}"));
        assert!(text.unwrap_or_default().bytes().all(|byte| byte.is_ascii_digit() || byte == b' '));
    }
}

#[tokio::test]
async fn the_user_may_do_what_is_needed_and_no_more() {
    let redis = Redis::start();
    let limiter = replica(&redis.url());
    answered(&[&limiter], async |who| {
        let spent = limiter.spend(&[], &[charge(&limiter, "caller", only(9), &who)]).await.result;
        limiter.give_back(spent.unwrap()).await;
    })
    .await;
    let denied: Vec<redis::Value> = redis.ask("ACL LOG");
    assert!(denied.is_empty(), "{denied:?}");
    let mut connection = redis::Client::open(redis.url()).unwrap().get_connection().unwrap();
    for command in
        ["KEYS *", "FLUSHALL", "GET other", "SET valetkey:other x", "CONFIG GET *", "DEL x"]
    {
        let mut words = command.split(' ');
        let mut call = redis::cmd(words.next().unwrap());
        let error = call.arg(words.collect::<Vec<_>>()).exec(&mut connection).unwrap_err();
        assert_eq!(error.code(), Some("NOPERM"), "{command}");
    }
}

#[tokio::test]
async fn redis_refused_at_boot_is_used_when_it_appears() {
    let mut redis = Redis::absent();
    let limiter = replica(&redis.url());
    until(&limiter, Err("refused")).await;
    assert_local_only(&limiter).await;
    redis.appear();
    assert!(answered(&[&limiter], async |who| spend(&limiter, 1, &who).await).await);
}

#[tokio::test]
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
async fn redis_hung_holds_up_nobody() {
    let redis = Redis::start();
    let limiter = replica(&redis.url());
    until(&limiter, Ok(())).await;
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
    assert_local_only(&limiter).await;
    redis.go_on();
    until(&limiter, Ok(())).await;
    // Those few were still on their way; the thousands after them were never sent.
    assert!((1..100).contains(&redis.calls()), "{} calls", redis.calls());
    assert!(answered(&[&limiter], async |who| spend(&limiter, 1, &who).await).await);
}

#[tokio::test]
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
async fn a_script_that_redis_forgot_is_sent_again() {
    let redis = Redis::start();
    let (one, other) = (replica(&redis.url()), replica(&redis.url()));
    let admitted = answered(&[&one, &other], async |who| {
        let first = spend(&one, 1, &who).await;
        redis.ask::<()>("SCRIPT FLUSH");
        (first, spend(&other, 1, &who).await)
    })
    .await;
    assert_eq!(admitted, (true, false));
    assert_eq!(one.store_state(), StoreState::Shared);
}

#[tokio::test]
async fn a_redis_that_does_not_know_us_is_not_used_and_nothing_shows_the_password() {
    let redis = Redis::start();
    let wrong = replica(&redis.url().replace(PASSWORD, "canary-wrong"));
    until(&wrong, Err("authentication")).await;
    assert!(!format!("{wrong:?}").contains("canary"));
    // And one that does not speak TLS.
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
