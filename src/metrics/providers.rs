//! The providers: their API keys, their breakers, and what was asked again.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _},
    metrics::{MetricType, counter::Counter, family::Family, gauge::ConstGauge},
};

use super::Metrics;

/// An API key, by its provider and its position in the settings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
pub(super) struct Key {
    provider: String,
    key: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Refusal {
    provider: String,
    key: String,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Retry {
    provider: String,
    reason: &'static str,
}

#[derive(Debug, Default)]
pub(super) struct Providers {
    pub(super) requests: Family<Key, Counter>,
    pub(super) refusals: Family<Refusal, Counter>,
    pub(super) opens: Family<Key, Counter>,
    pub(super) retries: Family<Retry, Counter>,
    pub(super) states: States,
}

/// How the keys are that are in use. A new one in the place of another takes over.
#[derive(Clone, Debug, Default)]
pub(super) struct States(Arc<Mutex<Vec<Place>>>);

type Place = (Key, Weak<State>);

#[derive(Debug)]
struct State {
    up: AtomicBool,
    breaker_open: AtomicBool,
}

/// What is counted of one API key.
#[derive(Debug)]
pub struct ProviderKey {
    key: Key,
    state: Arc<State>,
    requests: Counter,
    refusals: Family<Refusal, Counter>,
    opens: Family<Key, Counter>,
}

/// What a provider was asked again.
#[derive(Debug)]
pub struct Retries {
    provider: String,
    retries: Family<Retry, Counter>,
}

impl Metrics {
    /// Begins to count for the API key at `position`, from 1 on, of the provider of this name in the
    /// settings. `reasons` are all there can be.
    pub fn provider_key(
        &self,
        provider: &str,
        position: usize,
        reasons: &[&'static str],
    ) -> ProviderKey {
        let providers = &self.0.providers;
        let key = Key { provider: provider.to_owned(), key: position.to_string() };
        let state = State { up: AtomicBool::new(true), breaker_open: AtomicBool::new(false) };
        let state = Arc::new(state);
        providers.states.insert(key.clone(), &state);
        drop(providers.opens.get_or_create(&key));
        let (refusals, opens) = (providers.refusals.clone(), providers.opens.clone());
        let requests = providers.requests.get_or_create(&key).clone();
        let made = ProviderKey { key, state, requests, refusals, opens };
        for reason in reasons {
            drop(made.refusals.get_or_create(&made.refusal(reason)));
        }
        made
    }

    /// Begins to count what the provider of this name in the settings is asked again. `reasons` are
    /// all there can be.
    pub fn provider_retries(&self, provider: &str, reasons: &[&'static str]) -> Retries {
        let retries = self.0.providers.retries.clone();
        let made = Retries { provider: provider.to_owned(), retries };
        for reason in reasons {
            drop(made.retries.get_or_create(&made.retry(reason)));
        }
        made
    }
}

impl ProviderKey {
    /// A request is made with it.
    pub fn asked(&self) {
        self.requests.inc();
    }

    /// The provider refused it, for one of the reasons.
    pub fn refused(&self, reason: &'static str) {
        self.refusals.get_or_create(&self.refusal(reason)).inc();
    }

    /// It rests, or is good again.
    pub fn set_up(&self, up: bool) {
        self.state.up.store(up, Ordering::Relaxed);
    }

    /// A breaker of it opened.
    pub fn breaker_opened(&self) {
        self.opens.get_or_create(&self.key).inc();
    }

    /// Whether a breaker of it is open.
    pub fn set_breaker(&self, open: bool) {
        self.state.breaker_open.store(open, Ordering::Relaxed);
    }

    fn refusal(&self, reason: &'static str) -> Refusal {
        let Key { provider, key } = self.key.clone();
        Refusal { provider, key, reason }
    }
}

impl Retries {
    /// It was asked again, for one of the reasons.
    pub fn count(&self, reason: &'static str) {
        self.retries.get_or_create(&self.retry(reason)).inc();
    }

    fn retry(&self, reason: &'static str) -> Retry {
        Retry { provider: self.provider.clone(), reason }
    }
}

impl States {
    fn insert(&self, key: Key, state: &Arc<State>) {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        states.retain(|(_, state)| state.strong_count() > 0);
        states.push((key, Arc::downgrade(state)));
    }

    /// Of several at the same place the newest: the older ones only finish what they began.
    fn now(&self) -> BTreeMap<Key, Arc<State>> {
        let states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        states.iter().filter_map(|(key, state)| Some((key.clone(), state.upgrade()?))).collect()
    }
}

impl Collector for States {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let states = self.now();
        let mut gauge = |name, help, of: fn(&State) -> &AtomicBool| {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (key, state) in &states {
                let value = i64::from(of(state).load(Ordering::Relaxed));
                ConstGauge::new(value).encode(family.encode_family(key)?)?;
            }
            Ok(())
        };
        if states.is_empty() {
            return Ok(());
        }
        let help = "Whether an API key is in use (1) or rests (0).";
        gauge("provider_key_up", help, |state| &state.up)?;
        let help = "Whether the provider fails, and is left alone (1) or not (0).";
        gauge("provider_breaker_open", help, |state| &state.breaker_open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REASONS: [&str; 2] = ["key", "credit"];

    fn metrics() -> Metrics {
        Metrics::new(["type"], ["xai"])
    }

    fn samples(metrics: &Metrics) -> Vec<String> {
        let text = metrics.render();
        let of_providers = |line: &&str| line.starts_with("valetkey_provider_");
        text.lines().filter(of_providers).map(str::to_owned).collect()
    }

    #[test]
    fn counts_begin_at_zero_and_states_are_those_of_now() {
        let metrics = metrics();
        assert_eq!(samples(&metrics), [""; 0]);
        let first = metrics.provider_key("xai", 1, &REASONS);
        let retries = metrics.provider_retries("xai", &["refused"]);
        let mut begin = samples(&metrics);
        begin.sort();
        assert_eq!(
            begin,
            [
                "valetkey_provider_breaker_opens_total{provider=\"xai\",key=\"1\"} 0",
                "valetkey_provider_breaker_open{provider=\"xai\",key=\"1\"} 0",
                "valetkey_provider_key_refusals_total{provider=\"xai\",key=\"1\",reason=\"credit\"} 0",
                "valetkey_provider_key_refusals_total{provider=\"xai\",key=\"1\",reason=\"key\"} 0",
                "valetkey_provider_key_up{provider=\"xai\",key=\"1\"} 1",
                "valetkey_provider_requests_total{provider=\"xai\",key=\"1\"} 0",
                "valetkey_provider_retries_total{provider=\"xai\",reason=\"refused\"} 0",
            ]
        );
        first.asked();
        first.refused("key");
        first.set_up(false);
        first.breaker_opened();
        first.set_breaker(true);
        retries.count("refused");
        let mut now = samples(&metrics);
        now.sort();
        for (sample, value) in now.iter().zip([1, 1, 0, 1, 0, 1, 1]) {
            assert!(sample.ends_with(&format!(" {value}")), "{sample}");
        }
    }

    #[test]
    fn a_new_key_in_the_same_place_takes_over_and_gives_back() {
        let metrics = metrics();
        let up = || {
            let text = metrics.render();
            let up = text.lines().filter_map(|line| line.strip_prefix("valetkey_provider_key_up"));
            up.map(str::to_owned).collect::<Vec<_>>()
        };
        let old = metrics.provider_key("xai", 1, &REASONS);
        old.set_up(false);
        let new = metrics.provider_key("xai", 1, &REASONS);
        assert_eq!(up(), ["{provider=\"xai\",key=\"1\"} 1"]);
        drop(new);
        assert_eq!(up(), ["{provider=\"xai\",key=\"1\"} 0"], "settings that were not taken");
        drop(old);
        assert_eq!(up(), [""; 0]);
    }
}
