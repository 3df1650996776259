//! The providers: one narrow trait, one file each, wrappers around the same trait for what cuts
//! across. A new provider is a file and a place in `ADAPTERS`.

mod answer;
mod elevenlabs;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod pool;
mod providers;
mod resilience;
mod upstream;
mod xai;

pub use error::{Invalid, ProviderError, Refusal, Unreachable};
pub use pool::{Means, Pool, PoolTerms, Pooled};
pub use providers::{Providers, Stocked};

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use url::Url;

use crate::{
    base::{clock::Clock, secret::Secret},
    metrics::Metrics,
    outbound::Transport,
    token::{Connect, MintSpec, Minted, Name, Shape},
};
use resilience::{Prefetch, Refusals, Resilience};
use upstream::Upstream;

/// Something that mints tokens.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Mints one token.
    ///
    /// # Errors
    /// When there is none; the error says whose fault that is.
    async fn mint(&self, spec: &MintSpec) -> Result<Minted, ProviderError>;
}

/// A way to mint, or why there is none, in words for the operator.
type Opened = Result<Arc<dyn Provider>, String>;

/// Every adapter there is.
static ADAPTERS: [&Adapter; 2] = [&xai::ADAPTER, &elevenlabs::ADAPTER];

/// What speaks to one kind of provider.
#[derive(Debug)]
pub struct Adapter {
    /// Its name in the settings.
    pub kind: &'static str,
    /// What the provider mints.
    pub products: &'static [Product],
    /// Makes what mints with one key.
    open: fn(&Secret, Upstream, Clock) -> Opened,
}

/// One of the things that a provider mints, as its documentation describes it.
#[derive(Debug)]
pub struct Product {
    /// Its name in the settings.
    pub name: &'static str,
    /// The lifetimes that the provider knows.
    pub lifetime: Lifetime,
    /// Whether a token works once only.
    pub single_use: bool,
    /// The provider's own shape of an answer.
    pub shape: Shape,
    /// Connection parameters that are part of the path, and so must be there.
    pub path_parameters: &'static [&'static str],
    /// How a client presents the token, given the base URL and the connection parameters.
    pub connect: fn(Url, &BTreeMap<String, String>) -> Connect,
}

/// The lifetimes of a product, in seconds.
#[derive(Clone, Copy, Debug)]
pub enum Lifetime {
    /// Always the same.
    Fixed(u32),
    /// The minter's choice within the bounds, both included.
    Within {
        /// The shortest.
        min: u32,
        /// The longest.
        max: u32,
    },
}

/// What an adapter needs to reach an account at its provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// The instance's name in the settings.
    pub name: Name,
    /// Where the provider is.
    pub base_url: Url,
    /// The API keys, at least one, in the order of the settings.
    pub keys: Vec<Secret>,
    /// The deadline of one mint.
    pub timeout: Duration,
    /// How it is reached.
    pub transport: Transport,
}

/// An account that is open, with all that it has learned: which keys rest, and what was vended.
#[derive(Clone)]
pub struct Instance {
    kind: &'static str,
    account: Account,
    provider: Arc<dyn Provider>,
    /// Mints for whom nobody waits.
    ahead: Arc<dyn Provider>,
    refusals: Refusals,
}

impl Instance {
    /// An account of this kind that mints through `provider`.
    pub fn new(kind: &'static str, account: Account, provider: Arc<dyn Provider>) -> Self {
        let ahead = Arc::clone(&provider);
        let refusals = Refusals::default();
        Self { kind, account, provider, ahead, refusals }
    }
}

impl Adapter {
    /// The adapter that the settings call `kind`.
    pub fn of_kind(kind: &str) -> Option<&'static Self> {
        ADAPTERS.into_iter().find(|adapter| adapter.kind == kind)
    }

    /// What the settings can call an adapter.
    pub fn kinds() -> [&'static str; ADAPTERS.len()] {
        ADAPTERS.map(|adapter| adapter.kind)
    }

    /// Opens `account`. What happens with it is counted in `metrics`.
    ///
    /// # Errors
    /// When the HTTP client cannot be made or the key cannot be sent; in words for the operator.
    pub fn open(
        &self,
        account: Account,
        clock: &Clock,
        metrics: &Metrics,
    ) -> Result<Instance, String> {
        let upstream = Upstream::new(&account)?;
        let open = |key| (self.open)(key, upstream.clone(), clock.clone());
        let adapters = account.keys.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let provider = Arc::new(Resilience::new(&account, self.products, adapters, metrics));
        let refusals = provider.refusals().clone();
        let ahead = Arc::new(Prefetch(Arc::clone(&provider)));
        Ok(Instance { kind: self.kind, account, provider, ahead, refusals })
    }
}
