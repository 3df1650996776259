//! What a limit costs: in time, in memory, and with Redis. `cargo bench --bench limits`
#![allow(clippy::unwrap_used, reason = "in a bench an unwrap is the assertion")]
#![allow(missing_docs, reason = "criterion's macros have none")]
#![allow(clippy::print_stderr, reason = "some numbers are not times")]

use std::{fs, hint::black_box, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use tokio::runtime::Runtime;
use valetkey::{
    base::secret::Secret,
    limit::{Charge, Limiter, StoreState},
    settings::{Limit, Mode, Quota, Rate},
};

#[expect(dead_code, unreachable_pub, reason = "what the integration tests use besides")]
#[path = "../tests/it/support/redis.rs"]
mod redis_server;

/// Never exceeded, so that every call does all the work.
const WIDE: Limit = Limit {
    mode: Mode::Enforce,
    rate: Some(Rate { count: 1_000_000, per: Duration::from_secs(1), burst: 1_000_000 }),
    quota: Some(Quota { count: 1_000_000_000, per: Duration::from_secs(86_400) }),
};

fn charges(limiter: &Limiter, who: &[u8]) -> [Charge; 3] {
    ["caller", "caller_token", "token"].map(|policy| limiter.charge(policy, WIDE, &[b"jwt", who]))
}

fn in_memory(criterion: &mut Criterion) {
    let limiter = Limiter::memory();
    let runtime = Runtime::new().unwrap();
    criterion.bench_function("charge", |bencher| {
        bencher.iter(|| limiter.charge("caller", WIDE, &[b"jwt", black_box(b"alice@example.com")]));
    });
    let three = charges(&limiter, b"alice");
    criterion.bench_function("spend_here, one charge", |bencher| {
        bencher.iter(|| limiter.spend_here(black_box(&three[..1])));
    });
    criterion.bench_function("spend, three charges, memory", |bencher| {
        bencher.iter(|| runtime.block_on(limiter.spend(&[], black_box(&three))));
    });
}

fn bytes(_: &mut Criterion) {
    let resident = || -> u64 {
        let pages = fs::read_to_string("/proc/self/statm").unwrap_or_default();
        pages.split(' ').nth(1).map_or(0, |pages| pages.parse::<u64>().unwrap() * 4_096)
    };
    let before = resident();
    let limiter = Limiter::memory();
    let empty = resident();
    const CALLERS: u64 = 50_000;
    for number in 0..CALLERS {
        let caller = &charges(&limiter, &number.to_le_bytes())[..1];
        black_box(limiter.spend_here(caller).result.is_ok());
    }
    eprintln!(
        "memory: at most {} bytes in all; resident: {} bytes empty, {} bytes for each of {CALLERS} callers",
        Limiter::MEMORY_BYTES,
        empty.saturating_sub(before),
        resident().saturating_sub(empty) / CALLERS,
    );
}

fn with_redis(criterion: &mut Criterion) {
    if std::process::Command::new("redis-server").arg("--version").output().is_err() {
        eprintln!("redis: there is no redis-server, so its latency is not measured");
        return;
    }
    let redis = redis_server::Redis::start();
    let runtime = Runtime::new().unwrap();
    let url = Secret::new(redis.url());
    let limiter =
        runtime.block_on(async { Limiter::with_redis(url, Secret::new("k".repeat(32))).unwrap() });
    while limiter.store_state() != StoreState::Shared {
        std::thread::sleep(Duration::from_millis(5));
    }
    criterion.bench_function("charge, with Redis", |bencher| {
        bencher.iter(|| limiter.charge("caller", WIDE, &[b"jwt", black_box(b"alice@example.com")]));
    });
    let three = charges(&limiter, b"alice");
    criterion.bench_function("spend, three charges, Redis on this machine", |bencher| {
        bencher.iter(|| runtime.block_on(limiter.spend(&[], black_box(&three))));
    });
    eprintln!("redis: {} calls had no answer in time", limiter.spent_without_redis());
}

criterion_group!(benches, bytes, in_memory, with_redis);
criterion_main!(benches);
