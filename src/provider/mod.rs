//! The providers: one narrow trait, one file each, wrappers around the same trait for what cuts
//! across. A new provider is a file and a place in `ADAPTERS`.

mod answer;
mod elevenlabs;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod guarded;
mod pooled;
mod reuse;
mod upstream;
mod xai;

pub use error::{Invalid, ProviderError, Refusal, Unreachable};
pub use pooled::{Means, Pool, PoolTerms, Pooled};

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use url::Url;

use crate::{
    clock::Clock,
    metrics::Metrics,
    outbound::Transport,
    policy::Grant,
    secret::Secret,
    token::{Connect, MintSpec, Minted, Name, Shape},
};
use guarded::{Ahead, Guarded, Refusals};
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
#[derive(Clone, Debug)]
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
    /// Where it is counted what happens. No part of what the account is.
    pub metrics: Metrics,
}

impl PartialEq for Account {
    fn eq(&self, other: &Self) -> bool {
        // Taken apart, so that a new field must choose.
        let Self { name, base_url, keys, timeout, transport, metrics: _ } = self;
        *name == other.name
            && *base_url == other.base_url
            && *keys == other.keys
            && *timeout == other.timeout
            && *transport == other.transport
    }
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
    #[must_use]
    pub fn new(kind: &'static str, account: Account, provider: Arc<dyn Provider>) -> Self {
        let ahead = Arc::clone(&provider);
        Self { kind, account, provider, ahead, refusals: Refusals::default() }
    }
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
    pub fn open(&self, account: Account, clock: &Clock) -> Result<Instance, String> {
        let upstream = Upstream::new(&account)?;
        let open = |key| (self.open)(key, upstream.clone(), clock.clone());
        let adapters = account.keys.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let provider = Arc::new(Guarded::new(&account, self.products, adapters));
        let refusals = provider.refusals().clone();
        let ahead = Arc::new(Ahead(Arc::clone(&provider)));
        Ok(Instance { kind: self.kind, account, provider, ahead, refusals })
    }
}

/// The provider instances that have a key, by name, and the pools of what they mint.
#[derive(Default)]
pub struct Providers {
    instances: BTreeMap<Name, Instance>,
    /// By token type.
    pools: BTreeMap<Name, Pool>,
}

/// What a pool has for someone.
#[derive(Debug)]
pub enum Stocked {
    /// There is no pool.
    NoPool,
    /// The pool has tokens of another lifetime.
    Past,
    /// It has none now.
    Miss,
    /// This one, which nobody else gets.
    Hit(Pooled),
}

impl Providers {
    /// Adds an instance.
    pub fn insert(&mut self, instance: Instance) {
        self.instances.insert(instance.account.name.clone(), instance);
    }

    /// Adds a pool for the token type `token_type`, of tokens of `spec`. What `previous` has of the
    /// very same goes on, with all that it holds. Without the instance that mints them there is none.
    pub fn pool(
        &mut self,
        token_type: &Name,
        spec: MintSpec,
        terms: PoolTerms,
        metrics: &Metrics,
        previous: Option<&Self>,
    ) {
        let Some(instance) = self.instances.get(&spec.provider) else { return };
        let before = previous.and_then(|it| it.pools.get(token_type));
        let same = before.filter(|pool| pool.is_like(&spec, terms, instance)).cloned();
        let pool =
            same.unwrap_or_else(|| Pool::new(token_type.clone(), spec, terms, instance, metrics));
        self.pools.insert(token_type.clone(), pool);
    }

    /// The instance of this name, if `adapter` would open `account` to the very same. What it has
    /// learned of its keys and its provider is then still true.
    #[must_use]
    pub fn unchanged(&self, adapter: &Adapter, account: &Account) -> Option<Instance> {
        let instance = self.instances.get(&account.name)?;
        let same = instance.kind == adapter.kind && instance.account == *account;
        same.then(|| instance.clone())
    }

    /// Whether there is an instance of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.instances.contains_key(name)
    }

    /// Whether there is none at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.instances.is_empty()
    }

    /// What was minted ahead for what is granted.
    #[must_use]
    pub fn take(&self, grant: &Grant, means: &Means) -> Stocked {
        let Some(pool) = self.pools.get(grant.token_type()) else { return Stocked::NoPool };
        if pool.spec() != grant.spec() {
            pool.pass();
            return Stocked::Past;
        }
        pool.take(means).map_or(Stocked::Miss, Stocked::Hit)
    }

    /// Mints what was granted. `None`: the instance is not here.
    pub async fn mint(&self, grant: &Grant) -> Option<Result<Minted, ProviderError>> {
        let instance = self.instances.get(&grant.spec().provider)?;
        Some(instance.provider.mint(grant.spec()).await)
    }

    /// The pools give what they have, and mint no more.
    pub fn drain(&self) {
        self.pools.values().for_each(Pool::drain);
    }

    /// The pools discard what they have, because the server stops.
    pub fn stop(&self, means: &Means) {
        self.pools.values().for_each(|pool| pool.stop(means));
    }

    /// Those pools discard what they have that do not go on in `next`.
    pub fn replaced(&self, next: &Self, means: &Means) {
        for (token_type, pool) in &self.pools {
            if !next.pools.get(token_type).is_some_and(|it| it.is(pool)) {
                pool.replace(means);
            }
        }
    }
}

impl std::fmt::Debug for Providers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.instances.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        Account {
            name: "xai".into(),
            base_url: Url::parse("https://api.example").unwrap(),
            keys: vec![Secret::new("one"), Secret::new("two")],
            timeout: Duration::from_secs(10),
            transport: Transport::default(),
            metrics: Metrics::new(["type"], ["xai"]),
        }
    }

    #[test]
    fn an_instance_is_kept_only_while_nothing_of_it_changes() {
        let [xai, elevenlabs] = ADAPTERS;
        let opened = xai.open(account(), &Clock::fixed(0)).unwrap();
        let mut providers = Providers::default();
        providers.insert(opened.clone());
        let kept = providers.unchanged(xai, &account()).expect("nothing changed");
        assert!(Arc::ptr_eq(&kept.provider, &opened.provider));
        assert!(providers.unchanged(elevenlabs, &account()).is_none(), "another kind");
        type Change = fn(&mut Account);
        let changes: [(&str, Change); 6] = [
            ("name", |it| it.name = "other".into()),
            ("base_url", |it| it.base_url = Url::parse("https://eu.example").unwrap()),
            ("a new key", |it| it.keys[1] = Secret::new("new")),
            ("a key less", |it| drop(it.keys.pop())),
            ("order", |it| it.keys.reverse()),
            ("timeout", |it| it.timeout = Duration::from_secs(5)),
        ];
        for (what, change) in changes {
            let mut account = account();
            change(&mut account);
            assert!(providers.unchanged(xai, &account).is_none(), "{what}");
        }
    }
}
