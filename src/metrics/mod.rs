//! Counts for Prometheus. `docs/metrics.md` explains each.
//!
//! Every label's value is from a closed set: names in the settings, and words in this program. What
//! a client sends is never one, or it could make the server hold a counter for each of its whims.

mod label;
mod names;
mod pool;
mod providers;
mod store;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};

pub use label::{MintOutcome, Mode};
pub use pool::PoolCounts;
pub use providers::{ProviderKey, Retries};

use label::{ConnectionRefusal, Decision, LimitRefusal, Mint, Provider, Reload};
use names::Names;
use pool::Pools;
use providers::Providers;
use store::Store;

/// The media type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the time that a mint takes, in seconds. Providers need some hundred milliseconds.
const BUCKETS: [f64; 12] = [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0];

/// Why a connection gets an answer of its own: the codes of those problems.
const CONNECTION_REFUSALS: [&str; 5] =
    ["overloaded", "malformed_request", "uri_too_long", "headers_too_large", "request_timeout"];

/// What is counted. Cheap to clone; all clones count together.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    token_types: Names,
    provider_names: Names,
    mint_seconds: Family<Provider, Histogram, fn() -> Histogram>,
    counts: Counts,
    store: Arc<Store>,
    providers: Providers,
    pools: Pools,
}

#[derive(Debug, Default)]
struct Counts {
    decisions: Family<Decision, Counter>,
    limit_refusals: Family<LimitRefusal, Counter>,
    audit_failures: Counter,
    mints: Family<Mint, Counter>,
    panics: Counter,
    connections: Gauge,
    connections_refused: Family<ConnectionRefusal, Counter>,
    connections_evicted: Counter,
    accept_failures: Counter,
    requests_in_flight: Gauge,
    reloads: Family<Reload, Counter>,
    last_reload_ok: Gauge,
    settings_loaded: Gauge<f64, AtomicU64>,
}

/// Registers metrics, each behind its name and what it says of itself. Names get `valetkey_` before
/// them, and what the type or unit asks for behind.
macro_rules! register {
    ($registry:expr; $($name:literal $(in $unit:ident)?, $help:literal, $metric:expr;)*) => {
        $(register!(@ $registry, $name, $help, $metric $(, $unit)?);)*
    };
    (@ $registry:expr, $name:literal, $help:literal, $metric:expr) => {
        $registry.register($name, $help, $metric.clone())
    };
    (@ $registry:expr, $name:literal, $help:literal, $metric:expr, $unit:ident) => {
        $registry.register_with_unit($name, $help, Unit::$unit, $metric.clone())
    };
}

impl Metrics {
    /// Begins to count, for the token types and providers of these names and no others.
    pub fn new<T: Into<String>, P: Into<String>>(
        token_types: impl IntoIterator<Item = T>,
        providers: impl IntoIterator<Item = P>,
    ) -> Self {
        let mut inner = Inner {
            registry: Registry::with_prefix("valetkey"),
            token_types: Names::new(token_types),
            provider_names: Names::new(providers),
            mint_seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            counts: Counts::default(),
            store: Arc::default(),
            providers: Providers::default(),
            pools: Pools::default(),
        };
        inner.register();
        inner.begin_at_zero();
        inner.counts.last_reload_ok.set(1);
        Self(Arc::new(inner))
    }

    /// A minting route decided: `outcome` is `vended` or the code of a problem.
    pub fn decided(&self, token_type: Option<&str>, outcome: &'static str) {
        let token_type = self.0.token_types.known(token_type);
        self.0.counts.decisions.get_or_create(&Decision { token_type, outcome }).inc();
    }

    /// The limit of this name refused a request, or would have.
    pub fn refused(&self, limit: &'static str, mode: Mode) {
        let refusal = LimitRefusal { limit, mode: mode.name() };
        self.0.counts.limit_refusals.get_or_create(&refusal).inc();
    }

    /// Whether limits are counted in the shared store now (`None`: there is none), and how many tokens
    /// were decided about without it.
    pub fn limit_store(&self, up: Option<bool>, without: u64) {
        self.0.store.set(up, without);
    }

    /// The audit did not take a record in time.
    pub fn audit_failed(&self) {
        self.0.counts.audit_failures.inc();
    }

    /// A provider was asked for a token, and answered or not in that time, with that result.
    pub fn minted(&self, provider: &str, took: Duration, result: MintOutcome) {
        let provider = self.0.provider_names.known(Some(provider));
        let mint = Mint { provider: provider.clone(), result: result.name() };
        self.0.counts.mints.get_or_create(&mint).inc();
        self.0.mint_seconds.get_or_create(&Provider { provider }).observe(took.as_secs_f64());
    }

    /// Something panicked. Takes no lock, and so may be called from anywhere.
    pub fn panicked(&self) {
        self.0.counts.panics.inc();
    }

    /// A connection is open until this is dropped.
    pub fn connection(&self) -> Held {
        Held::of(&self.0.counts.connections)
    }

    /// A request for a token is worked on until this is dropped.
    pub fn request(&self) -> Held {
        Held::of(&self.0.counts.requests_in_flight)
    }

    /// A connection was answered without a request, with the problem of this code.
    pub fn connection_refused(&self, reason: &'static str) {
        self.0.counts.connections_refused.get_or_create(&ConnectionRefusal { reason }).inc();
    }

    /// A connection without a request had to give way.
    pub fn connection_evicted(&self) {
        self.0.counts.connections_evicted.inc();
    }

    /// The system did not give a connection.
    pub fn accept_failed(&self) {
        self.0.counts.accept_failures.inc();
    }

    /// The settings in effect were read at `unix`.
    pub fn loaded(&self, unix: u64) {
        // Exact for longer than anyone counts seconds.
        self.0.counts.settings_loaded.set(unix as f64);
        self.0.counts.last_reload_ok.set(1);
    }

    /// Settings came into effect while the server runs, at `unix`.
    pub fn reloaded(&self, unix: u64) {
        self.0.counts.reloads.get_or_create(&Reload { result: "ok" }).inc();
        self.loaded(unix);
    }

    /// Settings were read while the server runs, and will not do.
    pub fn not_reloaded(&self) {
        self.0.counts.reloads.get_or_create(&Reload { result: "failed" }).inc();
        self.0.counts.last_reload_ok.set(0);
    }

    /// All of it as text, of the type [`CONTENT_TYPE`].
    pub fn render(&self) -> String {
        let mut text = String::new();
        // A `String` takes everything. Without its last line a text is not taken for a whole one.
        let _ = encode(&mut text, &self.0.registry);
        text
    }
}

impl Inner {
    fn register(&mut self) {
        let Self { registry, mint_seconds, counts, store, providers, pools, .. } = self;
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version that runs", version);
        register! { registry;
            "decisions", "Decisions of minting routes, by token type and outcome", counts.decisions;
            "limit_refusals", "Requests that a limit refused, or would have refused in observe mode",
                counts.limit_refusals;
            "audit_failures",
                "Answers that were withheld because the audit did not take their record in time",
                counts.audit_failures;
            "mint" in Seconds, "How long the provider took", mint_seconds;
            "mints", "Requests for a token to a provider, by what came of them", counts.mints;
            "panics", "Panics, anywhere in the process", counts.panics;
            "connections", "Connections that are open", counts.connections;
            "connections_refused", "Connections that were answered without a request, by reason",
                counts.connections_refused;
            "connections_evicted", "Connections without a request that had to give way to others",
                counts.connections_evicted;
            "accept_failures", "Failures of the system to give a connection", counts.accept_failures;
            "requests_in_flight", "Requests for a token that are worked on", counts.requests_in_flight;
            "reloads", "Settings that were read again, by what became of them", counts.reloads;
            "last_reload_ok", "Whether the settings that were read last are in effect",
                counts.last_reload_ok;
            "settings_loaded_timestamp" in Seconds, "When the settings in effect were read",
                counts.settings_loaded;
            "provider_requests", "Requests to a provider, those that were made again among them",
                providers.requests;
            "provider_key_refusals", "Requests that a provider refused for the sake of the API key",
                providers.refusals;
            "provider_breaker_opens", "How often a breaker opened", providers.opens;
            "provider_retries", "Requests that a provider was asked again", providers.retries;
            "pool_requests", "Requests for a token type with a pool, by what came of asking it",
                pools.requests;
            "pool_minted", "Tokens minted ahead", pools.minted;
            "pool_discards", "Tokens minted ahead that nobody got", pools.discards;
            "pool_failures", "Mints ahead that gave no token", pools.failures;
            "pool_stock", "Tokens that are ready to be had", pools.stock;
        }
        registry.register_collector(Box::new(Arc::clone(store)));
        registry.register_collector(Box::new(providers.states.clone()));
    }

    /// A counter that appears with its first event hides that event from `rate()`.
    fn begin_at_zero(&self) {
        let counts = &self.counts;
        for reason in CONNECTION_REFUSALS {
            drop(counts.connections_refused.get_or_create(&ConnectionRefusal { reason }));
        }
        for result in ["ok", "failed"] {
            drop(counts.reloads.get_or_create(&Reload { result }));
        }
        for token_type in self.token_types.all() {
            drop(counts.decisions.get_or_create(&Decision { token_type, outcome: "vended" }));
        }
        for provider in self.provider_names.all() {
            for result in MintOutcome::ALL.map(MintOutcome::name) {
                let provider = provider.clone();
                drop(counts.mints.get_or_create(&Mint { provider, result }));
            }
            drop(self.mint_seconds.get_or_create(&Provider { provider }));
        }
    }
}

/// One more, until it is dropped.
#[derive(Debug)]
pub struct Held(Gauge);

impl Held {
    fn of(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}
