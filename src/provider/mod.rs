//! The providers: one narrow trait, one file each, wrappers around the same trait for what cuts
//! across. A new provider is a file and a place in `ADAPTERS`.

mod answer;
mod bounded;
mod elevenlabs;
mod error;
mod upstream;
mod xai;

pub use error::{Invalid, ProviderError, Refusal, Unreachable};

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use url::Url;

use crate::{
    clock::Clock,
    policy::Grant,
    secret::Secret,
    token::{Connect, MintSpec, Minted, Name, Shape},
};
use bounded::Bounded;
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
    open: fn(&Account, Upstream, Clock) -> Opened,
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
#[derive(Debug)]
pub struct Account {
    /// Where the provider is.
    pub base_url: Url,
    /// The API key.
    pub key: Secret,
    /// The deadline of one mint.
    pub timeout: Duration,
}

impl Adapter {
    /// The adapter that the settings call `kind`.
    #[must_use]
    pub fn of_kind(kind: &str) -> Option<&'static Self> {
        ADAPTERS.into_iter().find(|adapter| adapter.kind == kind)
    }

    /// What the settings can call an adapter.
    #[must_use]
    pub fn kinds() -> [&'static str; ADAPTERS.len()] {
        ADAPTERS.map(|adapter| adapter.kind)
    }

    /// Opens `account`.
    ///
    /// # Errors
    /// When the HTTP client cannot be made or the key cannot be sent; in words for the operator.
    pub fn open(&self, account: &Account, clock: Clock) -> Result<Arc<dyn Provider>, String> {
        let upstream = Upstream::new(&account.base_url)?;
        let provider = (self.open)(account, upstream, clock)?;
        Ok(Arc::new(Bounded::new(provider, account.timeout)))
    }
}

/// The provider instances that have a key, by name.
#[derive(Default)]
pub struct Providers(BTreeMap<Name, Arc<dyn Provider>>);

impl Providers {
    /// Adds an instance.
    pub fn insert(&mut self, name: Name, provider: Arc<dyn Provider>) {
        self.0.insert(name, provider);
    }

    /// Whether there is an instance of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether there is none at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Mints what was granted. `None`: the instance is not here.
    pub async fn mint(&self, grant: &Grant) -> Option<Result<Minted, ProviderError>> {
        let provider = self.0.get(&grant.spec().provider)?;
        Some(provider.mint(grant.spec()).await)
    }
}

impl std::fmt::Debug for Providers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
