//! Settings that were read again while the server runs.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use super::Metrics;

/// What became of them.
#[derive(Debug, Default)]
pub(super) struct Reloads {
    tried: Family<Tried, Counter>,
    last_ok: Gauge,
    loaded: Gauge<f64, AtomicU64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Tried {
    result: &'static str,
}

impl Reloads {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "reloads",
            "Settings that were read again, by what became of them",
            self.tried.clone(),
        );
        registry.register(
            "last_reload_ok",
            "Whether the settings that were read last are in effect",
            self.last_ok.clone(),
        );
        registry.register_with_unit(
            "settings_loaded_timestamp",
            "When the settings in effect were read",
            Unit::Seconds,
            self.loaded.clone(),
        );
        for result in ["ok", "failed"] {
            drop(self.tried.get_or_create(&Tried { result }));
        }
        self.last_ok.set(1);
    }
}

impl Metrics {
    /// The settings in effect were read at `unix`.
    pub fn loaded(&self, unix: u64) {
        // Exact for longer than anyone counts seconds.
        self.0.reloads.loaded.set(unix as f64);
        self.0.reloads.last_ok.set(1);
    }

    /// Settings came into effect while the server runs, at `unix`.
    pub fn reloaded(&self, unix: u64) {
        self.0.reloads.tried.get_or_create(&Tried { result: "ok" }).inc();
        self.loaded(unix);
    }

    /// Settings were read while the server runs, and will not do.
    pub fn not_reloaded(&self) {
        self.0.reloads.tried.get_or_create(&Tried { result: "failed" }).inc();
        self.0.reloads.last_ok.set(0);
    }
}
