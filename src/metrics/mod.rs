//! Counts for Prometheus. `docs/metrics.md` explains each.
//!
//! Every label's value is from a closed set: names in the settings, and words in this program. What
//! a client sends is never one, or it could make the server hold a counter for each of its whims.

mod fate;
mod label;
mod store;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};

pub use fate::Fate;
pub use label::Mode;

use fate::Fates;
use label::{Decision, Provider, Refusal};
use store::Store;

/// The media type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Stands for every name that is not in the settings.
const NONE: &str = "none";

/// Upper bounds of the time that a mint takes, in seconds. Providers need some hundred milliseconds.
const BUCKETS: [f64; 12] = [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0];

/// What is counted. Cheap to clone; all clones count together.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    token_types: BTreeSet<String>,
    providers: BTreeSet<String>,
    decisions: Family<Decision, Counter>,
    refusals: Family<Refusal, Counter>,
    store: Arc<Store>,
    audit_failures: Counter,
    mints: Family<Provider, Histogram, fn() -> Histogram>,
    fates: Fates,
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
            token_types: token_types.into_iter().map(Into::into).collect(),
            providers: providers.into_iter().map(Into::into).collect(),
            decisions: Family::default(),
            refusals: Family::default(),
            store: Arc::default(),
            audit_failures: Counter::default(),
            mints: Family::new_with_constructor(mints),
            fates: Fates::default(),
        };
        inner.register();
        inner.begin_at_zero();
        Self(Arc::new(inner))
    }

    /// A minting route decided: `outcome` is `vended` or the code of a problem.
    pub fn decided(&self, token_type: Option<&str>, outcome: &'static str) {
        let token_type = known(&self.0.token_types, token_type.unwrap_or(NONE));
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
        let provider = known(&self.0.providers, provider);
        self.0.fates.minted(provider.clone(), result);
        self.0.mints.get_or_create(&Provider { provider }).observe(took.as_secs_f64());
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
        registry.register_collector(Box::new(Arc::clone(&self.store)));
    }

    /// A counter that appears with its first event hides that event from `rate()`.
    fn begin_at_zero(&self) {
        for token_type in self.token_types.iter().cloned() {
            drop(self.decisions.get_or_create(&Decision { token_type, outcome: "vended" }));
        }
        for provider in self.providers.iter().cloned() {
            self.fates.begin_at_zero(&provider);
            drop(self.mints.get_or_create(&Provider { provider }));
        }
    }
}

fn known(names: &BTreeSet<String>, name: &str) -> String {
    names.get(name).map_or(NONE, String::as_str).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> Metrics {
        Metrics::new(["xai_realtime", "scribe"], ["xai"])
    }

    /// The value of the sample that begins like this.
    fn value(metrics: &Metrics, sample: &str) -> Option<String> {
        let text = metrics.render();
        let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        line.map(str::to_owned)
    }

    #[test]
    fn counts_what_happens() {
        let metrics = metrics();
        metrics.decided(Some("xai_realtime"), "vended");
        metrics.clone().decided(Some("xai_realtime"), "vended");
        metrics.decided(None, "unknown_token_type");
        metrics.refused("caller", Mode::Enforce);
        metrics.refused("caller", Mode::Observe);
        metrics.audit_failed();
        metrics.minted("xai", Duration::from_millis(250), Fate::Unknown);
        metrics.panicked();
        let one = |sample| assert_eq!(value(&metrics, sample).as_deref(), Some("1"), "{sample}");
        one("valetkey_decisions_total{token_type=\"none\",outcome=\"unknown_token_type\"}");
        one("valetkey_limit_refusals_total{limit=\"caller\",mode=\"enforce\"}");
        one("valetkey_limit_refusals_total{limit=\"caller\",mode=\"observe\"}");
        one("valetkey_audit_failures_total");
        one("valetkey_mint_seconds_count{provider=\"xai\"}");
        one("valetkey_mint_seconds_bucket{le=\"0.3\",provider=\"xai\"}");
        one("valetkey_mints_total{provider=\"xai\",result=\"unknown\"}");
        one("valetkey_panics_total");
        one("valetkey_build_info{version=\"0.1.0\"}");
        let vended = "valetkey_decisions_total{token_type=\"xai_realtime\",outcome=\"vended\"}";
        assert_eq!(value(&metrics, vended).as_deref(), Some("2"));
        let below = "valetkey_mint_seconds_bucket{le=\"0.2\",provider=\"xai\"}";
        assert_eq!(value(&metrics, below).as_deref(), Some("0"));
    }

    #[test]
    fn counters_begin_at_zero() {
        let metrics = metrics();
        let zero = |sample| assert_eq!(value(&metrics, sample).as_deref(), Some("0"), "{sample}");
        zero("valetkey_decisions_total{token_type=\"scribe\",outcome=\"vended\"}");
        zero("valetkey_audit_failures_total");
        zero("valetkey_mint_seconds_count{provider=\"xai\"}");
        zero("valetkey_mints_total{provider=\"xai\",result=\"minted\"}");
        zero("valetkey_panics_total");
    }

    #[test]
    fn the_store_is_there_only_where_there_is_one() {
        let metrics = metrics();
        let store = || value(&metrics, "valetkey_limit_store_up");
        assert_eq!(store(), None);
        metrics.limit_store(Some(true), 0);
        assert_eq!(store().as_deref(), Some("1"));
        metrics.limit_store(Some(false), 3);
        assert_eq!(store().as_deref(), Some("0"));
        let without = value(&metrics, "valetkey_limit_decisions_without_store_total");
        assert_eq!(without.as_deref(), Some("3"));
        metrics.limit_store(None, 0);
        assert_eq!(store(), None);
    }

    #[test]
    fn names_from_outside_make_no_new_labels() {
        let metrics = metrics();
        metrics.decided(Some("x"), "unknown_token_type");
        metrics.minted("x", Duration::ZERO, Fate::Minted);
        let before = metrics.render().lines().count();
        for n in 0..1_000 {
            metrics.decided(Some(&format!("x{n}\"}} 1\nvaletkey_")), "unknown_token_type");
            metrics.minted(&format!("x{n}"), Duration::ZERO, Fate::Minted);
        }
        assert_eq!(metrics.render().lines().count(), before);
    }

    #[test]
    fn the_text_is_open_metrics() {
        let metrics = metrics();
        metrics.refused("caller", Mode::Observe);
        metrics.limit_store(Some(true), 0);
        let text = metrics.render();
        assert!(text.ends_with("\n# EOF\n"), "{text}");
        assert!(text.contains("# UNIT valetkey_mint_seconds seconds\n"), "{text}");
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            assert!(sample.starts_with("valetkey_") && value.parse::<f64>().is_ok(), "{line}");
        }
    }

    #[test]
    fn every_metric_is_documented() {
        let metrics = metrics();
        metrics.refused("caller", Mode::Observe);
        metrics.limit_store(Some(true), 0);
        let text = metrics.render();
        let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        let names = families.map(|family| match family.split_once(' ').unwrap() {
            (name, "counter") => format!("{name}_total"),
            (name, "info") => format!("{name}_info"),
            (name, _) => name.to_owned(),
        });
        let page = include_str!("../../docs/metrics.md");
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        assert_eq!(rows.collect::<Vec<_>>(), names.collect::<Vec<_>>());
    }
}
