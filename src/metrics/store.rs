//! Whether the shared store of limits is there.

use std::{
    fmt,
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};

/// What there is to say of the store, where there is one.
#[derive(Debug)]
pub(super) struct Store {
    up: AtomicI64,
    /// Decisions without it, although it should be there.
    without: AtomicU64,
}

const ABSENT: i64 = -1;

impl Default for Store {
    fn default() -> Self {
        Self { up: AtomicI64::new(ABSENT), without: AtomicU64::new(0) }
    }
}

impl Store {
    pub(super) fn set(&self, up: Option<bool>, without: u64) {
        self.up.store(up.map_or(ABSENT, i64::from), Ordering::Relaxed);
        self.without.store(without, Ordering::Relaxed);
    }
}

impl Collector for Store {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let up = self.up.load(Ordering::Relaxed);
        if up == ABSENT {
            return Ok(());
        }
        let help =
            "Whether limits are counted in the shared store (1) or only in this process (0).";
        let gauge = ConstGauge::new(up);
        let kind = gauge.metric_type();
        gauge.encode(encoder.encode_descriptor("limit_store_up", help, None, kind)?)?;
        let help = "Tokens that were decided about without the shared store.";
        let counter = ConstCounter::new(self.without.load(Ordering::Relaxed));
        let (name, kind) = ("limit_decisions_without_store", counter.metric_type());
        counter.encode(encoder.encode_descriptor(name, help, None, kind)?)
    }
}
