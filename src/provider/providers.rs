//! All providers that there are, and what was minted ahead at them.

use std::collections::BTreeMap;

use super::{Account, Adapter, Instance, Means, Pool, PoolTerms, Pooled, ProviderError};
use crate::{
    metrics::Metrics,
    policy::Grant,
    token::{MintSpec, Minted, Name},
};

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

    /// What the pool of this token type is like, if it has one.
    pub fn pool_terms(&self, token_type: &str) -> Option<PoolTerms> {
        self.pools.get(token_type).map(Pool::terms)
    }

    /// The instance of this name, if `adapter` would open `account` to the very same. What it has
    /// learned of its keys and its provider is then still true.
    pub fn unchanged(&self, adapter: &Adapter, account: &Account) -> Option<Instance> {
        let instance = self.instances.get(&account.name)?;
        let same = instance.kind == adapter.kind && instance.account == *account;
        same.then(|| instance.clone())
    }

    /// Whether there is an instance of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.instances.contains_key(name)
    }

    /// Whether there is none at all.
    pub fn is_empty(&self) -> bool {
        self.instances.is_empty()
    }

    /// What was minted ahead for what is granted.
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

    /// A mint of what was granted gave a token, so that more can be minted ahead.
    pub fn succeeded(&self, grant: &Grant) {
        if let Some(pool) = self.pools.get(grant.token_type()) {
            pool.others_succeed();
        }
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
    use std::{sync::Arc, time::Duration};

    use url::Url;

    use super::*;
    use crate::{
        base::{clock::Clock, secret::Secret},
        outbound::Transport,
        provider::ADAPTERS,
    };

    fn account() -> Account {
        Account {
            name: "xai".into(),
            base_url: Url::parse("https://api.example").unwrap(),
            keys: vec![Secret::new("one"), Secret::new("two")],
            timeout: Duration::from_secs(10),
            transport: Transport::default(),
        }
    }

    #[test]
    fn an_instance_is_kept_only_while_nothing_of_it_changes() {
        let [xai, elevenlabs] = ADAPTERS;
        let opened =
            xai.open(account(), &Clock::fixed(0), &Metrics::new(["type"], ["xai"])).unwrap();
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
