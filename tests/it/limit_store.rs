//! Limits in a real Redis, which replicas share.

mod outages;

use std::time::Duration;

use valetkey::{
    base::secret::Secret,
    limit::{Charge, Limiter, StoreState},
    settings::{Limit, Mode, Quota, Rate},
};

use crate::support::{process, redis::Redis};

const DAY: Duration = Duration::from_secs(86_400);

fn replica(url: &str) -> Limiter {
    Limiter::with_redis(Secret::new(url), Secret::new("k".repeat(32))).unwrap()
}

/// So many at once, and then no more in a test's time.
fn only(count: u32) -> Limit {
    let rate = Some(Rate { count: 1, per: DAY, burst: count });
    Limit { mode: Mode::Enforce, rate, quota: Some(Quota { count, per: DAY }) }
}

fn charge(limiter: &Limiter, policy: &'static str, limit: Limit, who: &str) -> Charge {
    limiter.charge(policy, limit, &[b"jwt", who.as_bytes()])
}

async fn spend(limiter: &Limiter, count: u32, who: &str) -> bool {
    let charge = charge(limiter, "caller", only(count), who);
    limiter.spend(&[], &[charge]).await.result.is_ok()
}

/// Waits until limits are shared, or are not for the reason given.
async fn until(limiter: &Limiter, expected: Result<(), &str>) {
    let state = || match limiter.store_state() {
        StoreState::Shared => Ok(()),
        StoreState::LocalOnly { reason, .. } => Err(reason),
        StoreState::Memory => panic!("there should be a Redis"),
    };
    let is_expected = async || (state() == expected).then_some(());
    process::until(is_expected, || format!("{:?} instead of {expected:?}", state())).await;
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

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server; scripts/test runs it"]
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
#[ignore = "needs redis-server; scripts/test runs it"]
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
#[ignore = "needs redis-server; scripts/test runs it"]
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
#[ignore = "needs redis-server; scripts/test runs it"]
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
#[ignore = "needs redis-server; scripts/test runs it"]
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
#[ignore = "needs redis-server; scripts/test runs it"]
async fn a_script_that_redis_forgot_is_sent_again_and_none_for_what_is_off() {
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
    // What is off is not counted, and asks nobody.
    let (before, calls) = (one.spent_without_redis(), redis.calls());
    let off = Limit { mode: Mode::Off, ..only(1) };
    for _ in 0..100 {
        assert!(one.spend(&[], &[charge(&one, "caller", off, "me")]).await.result.is_ok());
    }
    assert_eq!(one.spent_without_redis(), before);
    assert!(redis.calls() < calls + 100);
}
