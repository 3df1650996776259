//! Counts for Prometheus. `docs/metrics.md` explains each.
//!
//! Every label's value is from a closed set: names in the settings, and words in this program. What
//! a client sends is never one, or it could make the server hold a counter for each of its whims.

mod edge;
mod fate;
mod label;
mod names;
mod pool;
mod providers;
mod reloads;
mod store;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};

pub use edge::{Held, Refused};
pub use fate::Fate;
pub use label::Mode;
pub use pool::PoolCounts;
pub use providers::{ProviderKey, Retries};

use edge::Edge;
use fate::Fates;
use label::{Decision, Provider, Refusal};
use names::Names;
use pool::Pools;
use providers::Providers;
use reloads::Reloads;
use store::Store;

/// The media type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the time that a mint takes, in seconds. Providers need some hundred milliseconds.
const BUCKETS: [f64; 12] = [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0];

/// What is counted. Cheap to clone; all clones count together.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    token_types: Names,
    providers: Names,
    decisions: Family<Decision, Counter>,
    refusals: Family<Refusal, Counter>,
    store: Arc<Store>,
    audit_failures: Counter,
    edge: Edge,
    mints: Family<Provider, Histogram, fn() -> Histogram>,
    fates: Fates,
    reloads: Reloads,
    provider_keys: Providers,
    pools: Pools,
}

impl Metrics {
    /// Begins to count, for the token types and providers of these names and no others.
    #[must_use]
    pub fn new<T: Into<String>, P: Into<String>>(
        token_types: impl IntoIterator<Item = T>,
        providers: impl IntoIterator<Item = P>,
    ) -> Self {
        let mints: fn() -> Histogram = || Histogram::new(BUCKETS);
        let mut inner = Inner {
            registry: Registry::with_prefix("valetkey"),
            token_types: Names::new(token_types),
            providers: Names::new(providers),
            decisions: Family::default(),
            refusals: Family::default(),
            store: Arc::default(),
            audit_failures: Counter::default(),
            edge: Edge::default(),
            mints: Family::new_with_constructor(mints),
            fates: Fates::default(),
            reloads: Reloads::default(),
            provider_keys: Providers::default(),
            pools: Pools::default(),
        };
        inner.register();
        inner.begin_at_zero();
        Self(Arc::new(inner))
    }

    /// A minting route decided: `outcome` is `vended` or the code of a problem.
    pub fn decided(&self, token_type: Option<&str>, outcome: &'static str) {
        let token_type = self.0.token_types.known(token_type);
        self.0.decisions.get_or_create(&Decision { token_type, outcome }).inc();
    }

    /// The limit of this name refused a request, or would have.
    pub fn refused(&self, limit: &'static str, mode: Mode) {
        self.0.refusals.get_or_create(&Refusal { limit, mode }).inc();
    }

    /// Whether limits are counted in the shared store now (`None`: there is none), and how many tokens
    /// were decided about without it.
    pub fn limit_store(&self, up: Option<bool>, without: u64) {
        self.0.store.set(up, without);
    }

    /// The audit did not take a record in time.
    pub fn audit_failed(&self) {
        self.0.audit_failures.inc();
    }

    /// A provider was asked for a token, and answered or not in that time, with that result.
    pub fn minted(&self, provider: &str, took: Duration, result: Fate) {
        let provider = self.0.providers.known(Some(provider));
        self.0.fates.minted(provider.clone(), result);
        self.0.mints.get_or_create(&Provider { provider }).observe(took.as_secs_f64());
    }

    /// A connection is open until this is dropped.
    #[must_use]
    pub fn connection(&self) -> Held {
        Held::of(&self.0.edge.connections)
    }

    /// A request for a token is worked on until this is dropped.
    #[must_use]
    pub fn request(&self) -> Held {
        Held::of(&self.0.edge.in_flight)
    }

    /// A connection was answered without a request.
    pub fn connection_refused(&self, reason: Refused) {
        self.0.edge.refused(reason);
    }

    /// A connection without a request had to give way.
    pub fn connection_evicted(&self) {
        self.0.edge.evicted.inc();
    }

    /// The system did not give a connection.
    pub fn accept_failed(&self) {
        self.0.edge.accept_failures.inc();
    }

    /// All of it as text, of the type [`CONTENT_TYPE`].
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        // A `String` takes everything. Without its last line a text is not taken for a whole one.
        let _ = encode(&mut text, &self.0.registry);
        text
    }
}

impl Inner {
    /// The names here get `valetkey_` before them, and what the type or unit asks for behind.
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "build",
            "The version that runs",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        registry.register(
            "decisions",
            "Decisions of minting routes, by token type and outcome",
            self.decisions.clone(),
        );
        registry.register(
            "limit_refusals",
            "Requests that a limit refused, or would have refused in observe mode",
            self.refusals.clone(),
        );
        registry.register(
            "audit_failures",
            "Answers that were withheld because the audit did not take their record in time",
            self.audit_failures.clone(),
        );
        registry.register_with_unit(
            "mint",
            "How long the provider took",
            Unit::Seconds,
            self.mints.clone(),
        );
        self.fates.register(registry);
        self.edge.register(registry);
        self.reloads.register(registry);
        registry.register_collector(Box::new(Arc::clone(&self.store)));
        self.provider_keys.register(registry);
        self.pools.register(registry);
    }

    /// A counter that appears with its first event hides that event from `rate()`.
    fn begin_at_zero(&self) {
        for token_type in self.token_types.all() {
            drop(self.decisions.get_or_create(&Decision { token_type, outcome: "vended" }));
        }
        for provider in self.providers.all() {
            self.fates.begin_at_zero(&provider);
            drop(self.mints.get_or_create(&Provider { provider }));
        }
    }
}
