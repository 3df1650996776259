//! Tokens that are minted ahead.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};

use super::Metrics;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Type {
    token_type: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Request {
    token_type: String,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Discard {
    token_type: String,
    reason: &'static str,
}

#[derive(Debug, Default)]
pub(super) struct Pools {
    pub(super) requests: Family<Request, Counter>,
    pub(super) minted: Family<Type, Counter>,
    pub(super) discards: Family<Discard, Counter>,
    pub(super) failures: Family<Type, Counter>,
    pub(super) stock: Family<Type, Gauge>,
}

/// What is counted of the pool of one token type.
#[derive(Clone, Debug)]
pub struct PoolCounts {
    /// Requests that got a token from it.
    hits: Counter,
    /// Requests that found it empty.
    misses: Counter,
    /// Requests for another lifetime than its own.
    past: Counter,
    minted: Counter,
    failures: Counter,
    stock: Gauge,
    discards: Family<Discard, Counter>,
    token_type: String,
}

impl Metrics {
    /// Begins to count for the pool of the token type of this name in the settings. `reasons` are all
    /// for which a token can be discarded.
    pub fn pool(&self, token_type: &str, reasons: &[&'static str]) -> PoolCounts {
        let pools = &self.0.pools;
        let of_type = Type { token_type: token_type.to_owned() };
        let requests = |result| {
            let request = Request { token_type: token_type.to_owned(), result };
            pools.requests.get_or_create(&request).clone()
        };
        let made = PoolCounts {
            hits: requests("hit"),
            misses: requests("miss"),
            past: requests("past"),
            minted: pools.minted.get_or_create(&of_type).clone(),
            failures: pools.failures.get_or_create(&of_type).clone(),
            stock: pools.stock.get_or_create(&of_type).clone(),
            discards: pools.discards.clone(),
            token_type: token_type.to_owned(),
        };
        reasons.iter().for_each(|reason| drop(made.discards(reason)));
        made
    }
}

impl PoolCounts {
    /// A request got a token that was there.
    pub fn hit(&self) {
        self.hits.inc();
        self.stock.dec();
    }

    /// A request found none.
    pub fn missed(&self) {
        self.misses.inc();
    }

    /// A request was for another lifetime.
    pub fn passed(&self) {
        self.past.inc();
    }

    /// A token was minted, be it kept or not.
    pub fn minted(&self) {
        self.minted.inc();
    }

    /// No token was minted.
    pub fn failed(&self) {
        self.failures.inc();
    }

    /// A token that was minted is there to be had.
    pub fn kept(&self) {
        self.stock.inc();
    }

    /// A token that nobody got is gone. `was_kept`: it was there to be had.
    pub fn discarded(&self, reason: &'static str, was_kept: bool) {
        self.discards(reason).inc();
        if was_kept {
            self.stock.dec();
        }
    }

    fn discards(&self, reason: &'static str) -> Counter {
        let discard = Discard { token_type: self.token_type.clone(), reason };
        self.discards.get_or_create(&discard).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_begin_at_zero_and_the_stock_is_what_is_there() {
        let metrics = Metrics::new(["scribe"], ["elevenlabs"]);
        let pool = metrics.pool("scribe", &["expired"]);
        let samples = || {
            let text = metrics.render();
            let of_pools = text.lines().filter_map(|line| line.strip_prefix("valetkey_pool_"));
            let mut samples: Vec<_> = of_pools.map(str::to_owned).collect();
            samples.sort();
            samples
        };
        let labels = "token_type=\"scribe\"";
        let expected = |discards: u8, minted: u8, hits: u8, stock: u8| {
            [
                format!("discards_total{{{labels},reason=\"expired\"}} {discards}"),
                format!("failures_total{{{labels}}} 0"),
                format!("minted_total{{{labels}}} {minted}"),
                format!("requests_total{{{labels},result=\"hit\"}} {hits}"),
                format!("requests_total{{{labels},result=\"miss\"}} 0"),
                format!("requests_total{{{labels},result=\"past\"}} 0"),
                format!("stock{{{labels}}} {stock}"),
            ]
        };
        assert_eq!(samples(), expected(0, 0, 0, 0));
        for _ in 0..3 {
            pool.minted();
            pool.kept();
        }
        pool.hit();
        pool.discarded("expired", true);
        assert_eq!(samples(), expected(1, 3, 1, 1));
    }
}
