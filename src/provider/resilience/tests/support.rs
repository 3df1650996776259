//! Adapters that do as told, and what they are asked with.

use std::{
    collections::VecDeque,
    sync::{Mutex, atomic::AtomicU32},
};

use super::super::*;
use crate::{
    base::secret::Secret,
    metrics::Metrics,
    outbound::{ConnectError, Transport},
    provider::{Refusal, Unreachable},
};

/// Does one thing after the other; the last again and again.
pub(super) struct Fake {
    pub(super) does: Mutex<VecDeque<Does>>,
    pub(super) asked: AtomicU32,
    pub(super) made: AtomicU32,
}

#[derive(Clone, Copy)]
pub(super) enum Does {
    Mint,
    MintTheSame,
    /// What a gateway does that echoes what it was sent.
    MintTheKey,
    Fail(fn() -> ProviderError),
    Hang,
    Panic,
}

pub(super) const REVOKED: Does =
    Does::Fail(|| ProviderError::Refused { refusal: Refusal::Key, status: 401 });
pub(super) const EITHER: Does =
    Does::Fail(|| ProviderError::Refused { refusal: Refusal::KeyOrRequest, status: 400 });
pub(super) const DOWN: Does = Does::Fail(|| ConnectError::Refused.into());
pub(super) const STALE: Does = Does::Fail(|| Unreachable::Stale.into());

pub(super) fn limited(seconds: u64) -> ProviderError {
    ProviderError::RateLimited { retry_after: Some(Duration::from_secs(seconds)) }
}

#[async_trait]
impl Provider for Fake {
    async fn mint(&self, _: &MintSpec) -> Result<Minted, ProviderError> {
        self.asked.fetch_add(1, Relaxed);
        let does = {
            let mut does = self.does.lock().unwrap();
            if does.len() > 1 { does.pop_front().unwrap() } else { does[0] }
        };
        match does {
            Does::Mint => Ok(minted(&format!("{self:p} {}", self.made.fetch_add(1, Relaxed)))),
            Does::MintTheSame => Ok(minted("the same")),
            Does::MintTheKey => Ok(minted("x-canary-1-x")),
            Does::Fail(error) => Err(error()),
            Does::Hang => std::future::pending().await,
            Does::Panic => panic!("as told"),
        }
    }
}

pub(super) fn minted(token: &str) -> Minted {
    Minted { token: Secret::new(token), expires_at: 1 }
}

impl Fake {
    pub(super) fn now(&self, does: Does) {
        *self.does.lock().unwrap() = VecDeque::from([does]);
    }

    pub(super) fn asked(&self) -> u32 {
        self.asked.swap(0, Relaxed)
    }
}

pub(super) struct Set {
    pub(super) resilience: Arc<Resilience>,
    pub(super) fakes: Vec<Arc<Fake>>,
    pub(super) metrics: Metrics,
}

pub(super) const DEADLINE: Duration = Duration::from_secs(10);

pub(super) fn account(keys: usize) -> Account {
    Account {
        name: "xai".into(),
        base_url: "https://api.example".parse().unwrap(),
        keys: (0..keys).map(|n| Secret::new(format!("canary-{n}"))).collect(),
        timeout: DEADLINE,
        transport: Transport::default(),
    }
}

pub(super) fn set(keys: &[&[Does]]) -> Set {
    let fake = |does: &&[Does]| {
        let does = Mutex::new(does.iter().copied().collect());
        Arc::new(Fake { does, asked: AtomicU32::default(), made: AtomicU32::default() })
    };
    let fakes: Vec<_> = keys.iter().map(fake).collect();
    let metrics = Metrics::new(["type"], ["xai"]);
    let account = account(keys.len());
    let adapters = fakes.iter().map(|fake| fake.clone() as Arc<dyn Provider>).collect();
    let products = crate::provider::elevenlabs::ADAPTER.products;
    let resilience = Resilience::new(&account, products, adapters, &metrics);
    Set { resilience: Arc::new(resilience), fakes, metrics }
}

impl Set {
    pub(super) async fn mint(&self) -> Result<Minted, ProviderError> {
        self.mint_with(300).await
    }

    pub(super) async fn mint_with(&self, ttl: u32) -> Result<Minted, ProviderError> {
        let spec = MintSpec { provider: "xai".into(), product: "realtime_scribe", ttl };
        self.resilience.mint(&spec).await
    }

    pub(super) async fn error(&self) -> ProviderError {
        self.mint().await.expect_err("a token was minted")
    }

    /// Why the provider was not asked.
    pub(super) async fn unasked(&self) -> ProviderError {
        match self.error().await {
            ProviderError::Unasked(why) => *why,
            error => panic!("it was asked: {error}"),
        }
    }

    /// Earns what one retry costs.
    pub(super) async fn earn(&self) {
        for _ in 0..10 {
            self.mint().await.unwrap();
        }
        self.asked();
    }

    /// How often each key was used since the last time.
    pub(super) fn asked(&self) -> Vec<u32> {
        self.fakes.iter().map(|fake| fake.asked()).collect()
    }

    pub(super) fn metric(&self, sample: &str) -> String {
        let text = self.metrics.render();
        let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {sample} in {text}")).to_owned()
    }
}

pub(super) async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}
