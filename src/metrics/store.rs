//! Whether the shared store of limits is there.

use std::{
    fmt,
    sync::atomic::{AtomicI64, Ordering},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::gauge::ConstGauge,
};

/// A gauge that is there only where there is something to say.
#[derive(Debug)]
pub(super) struct Store(AtomicI64);

const ABSENT: i64 = -1;

impl Default for Store {
    fn default() -> Self {
        Self(AtomicI64::new(ABSENT))
    }
}

impl Store {
    pub(super) fn set(&self, up: Option<bool>) {
        self.0.store(up.map_or(ABSENT, i64::from), Ordering::Relaxed);
    }
}

impl Collector for Store {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let up = self.0.load(Ordering::Relaxed);
        if up == ABSENT {
            return Ok(());
        }
        let help =
            "Whether limits are counted in the shared store (1) or only in this process (0).";
        let gauge = ConstGauge::new(up);
        gauge.encode(encoder.encode_descriptor(
            "limit_store_up",
            help,
            None,
            gauge.metric_type(),
        )?)
    }
}
