//! A pool, and a provider for it that does as told.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    time::UNIX_EPOCH,
};

use async_trait::async_trait;
use tokio::time::sleep;
use url::Url;

use super::super::*;
use crate::{
    base::secret::Secret,
    outbound::Transport,
    provider::{Account, ProviderError},
};

/// What the provider does with a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Does {
    Mint,
    /// A token that lives so long.
    MintFor(u64),
    Fail(fn() -> ProviderError),
    Hang,
}

/// What a provider does with one request after the other; the last again and again.
pub(super) struct Fake {
    does: Mutex<VecDeque<Does>>,
    pub(super) latency: Mutex<Duration>,
    pub(super) minted: AtomicU64,
    pub(super) asked: AtomicU64,
    pub(super) at_once: AtomicU64,
    pub(super) most_at_once: AtomicU64,
    clock: Clock,
}

#[async_trait]
impl Provider for Fake {
    async fn mint(&self, spec: &MintSpec) -> Result<Minted, ProviderError> {
        self.asked.fetch_add(1, Relaxed);
        let at_once = self.at_once.fetch_add(1, Relaxed) + 1;
        self.most_at_once.fetch_max(at_once, Relaxed);
        let latency = *self.latency.lock().unwrap();
        sleep(latency).await;
        let does = {
            let mut does = self.does.lock().unwrap();
            if does.len() > 1 { does.pop_front().unwrap() } else { does[0] }
        };
        let result = match does {
            Does::Mint => Ok(self.token(u64::from(spec.ttl))),
            Does::MintFor(life) => Ok(self.token(life)),
            Does::Fail(error) => Err(error()),
            Does::Hang => std::future::pending().await,
        };
        self.at_once.fetch_sub(1, Relaxed);
        result
    }
}

impl Fake {
    pub(super) fn now(&self, does: &[Does]) {
        *self.does.lock().unwrap() = does.iter().copied().collect();
    }

    fn token(&self, life: u64) -> Minted {
        let token = Secret::new(format!("token-{}", self.minted.fetch_add(1, Relaxed)));
        Minted { token, expires_at: self.clock.unix() + life }
    }
}

/// A pool with all that it works with.
pub(super) struct Set {
    pub(super) pool: Pool,
    pub(super) fake: Arc<Fake>,
    pub(super) means: Means,
    pub(super) refusals: Refusals,
    /// How many seconds the wall clock was set forward.
    pub(super) set_forward: Arc<AtomicI64>,
}

/// How long tokens live that are asked for.
pub(super) const TTL: u32 = 900;

/// What is left of them at least.
pub(super) const MIN_REMAINING: u32 = 600;

/// A pool that is not recorded.
pub(super) fn set(size: u32) -> Set {
    set_with(size, Audit::off())
}

pub(super) fn set_with(size: u32, audit: Audit) -> Set {
    let set_forward = Arc::<AtomicI64>::default();
    let clock = clock(Arc::clone(&set_forward));
    let metrics = Metrics::new(["scribe"], ["elevenlabs"]);
    let means = Means { audit, tasks: TaskTracker::new(), clock: clock.clone(), metrics };
    let fake = Arc::new(Fake {
        does: Mutex::new([Does::Mint].into()),
        latency: Mutex::new(Duration::from_millis(150)),
        minted: AtomicU64::default(),
        asked: AtomicU64::default(),
        at_once: AtomicU64::default(),
        most_at_once: AtomicU64::default(),
        clock,
    });
    let instance = Instance::new("elevenlabs", account(), fake.clone());
    let refusals = instance.refusals.clone();
    let spec = MintSpec { provider: "elevenlabs".into(), product: "realtime_scribe", ttl: TTL };
    let terms = PoolTerms { size, min_remaining: MIN_REMAINING };
    let pool = Pool::new("scribe".into(), spec, terms, &instance, &means.metrics);
    Set { pool, fake, means, refusals, set_forward }
}

/// Goes with the runtime's time.
fn clock(set_forward: Arc<AtomicI64>) -> Clock {
    let begun = Instant::now();
    Clock::telling(move || {
        let seconds = 1_900_000_000 + set_forward.load(Relaxed);
        UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs()) + begun.elapsed()
    })
}

fn account() -> Account {
    Account {
        name: "elevenlabs".into(),
        base_url: Url::parse("https://api.example").unwrap(),
        keys: vec![Secret::new("canary")],
        timeout: Duration::from_secs(10),
        transport: Transport::default(),
    }
}

impl Set {
    /// A token, as text.
    pub(super) fn take(&self) -> Option<String> {
        let pooled = self.pool.take(&self.means)?;
        let left = pooled.minted.expires_at.saturating_sub(self.means.clock.unix());
        assert!(left > u64::from(MIN_REMAINING), "only {left} s are left");
        Some(pooled.minted.token.expose().to_owned())
    }

    /// How many of `times` requests, one every `every`, got a token from the pool.
    pub(super) async fn hits(&self, times: u32, every: Duration) -> u32 {
        let mut hits = 0;
        for _ in 0..times {
            hits += u32::from(self.take().is_some());
            sleep(every).await;
        }
        hits
    }

    /// How many there are to be had.
    pub(super) fn stock(&self) -> usize {
        self.pool.0.lock().stock.counts().0
    }

    /// Whether there is a task that fills it.
    pub(super) fn is_kept(&self) -> bool {
        self.pool.0.lock().is_kept
    }

    pub(super) fn minted(&self) -> u64 {
        self.fake.minted.load(Relaxed)
    }

    pub(super) fn asked(&self) -> u64 {
        self.fake.asked.load(Relaxed)
    }

    /// The sum of the samples whose name and labels have all of `parts`.
    pub(super) fn counted(&self, parts: &[&str]) -> i64 {
        let text = self.means.metrics.render();
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let samples = samples.filter(|line| parts.iter().all(|part| line.contains(part)));
        samples.map(|line| line.rsplit_once(' ').unwrap().1.parse::<i64>().unwrap()).sum()
    }

    /// Whether every token that was minted is somewhere, and in one place.
    pub(super) fn adds_up(&self, taken: u64) {
        let discarded = self.counted(&["pool_discards_total"]).unsigned_abs();
        assert_eq!(self.minted(), taken + discarded + self.stock() as u64);
        assert_eq!(self.counted(&["pool_minted_total"]).unsigned_abs(), self.minted());
        assert_eq!(self.counted(&["pool_stock"]).unsigned_abs(), self.stock() as u64);
        assert_eq!(self.counted(&["pool_requests_total", "hit"]).unsigned_abs(), taken);
    }
}
