//! What became of mints, and of code that panicked.

use std::fmt;

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use super::{Metrics, names::Name};

/// Whether a provider that was asked made a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It did.
    Minted,
    /// It certainly did not.
    Nothing,
    /// It may have.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Mint {
    provider: Name,
    result: Fate,
}

#[derive(Debug, Default)]
pub(super) struct Fates {
    mints: Family<Mint, Counter>,
    panics: Counter,
}

impl Fates {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "mints",
            "Requests for a token to a provider, by what came of them",
            self.mints.clone(),
        );
        registry.register("panics", "Panics, anywhere in the process", self.panics.clone());
    }

    pub(super) fn begin_at_zero(&self, provider: &Name) {
        for result in [Fate::Minted, Fate::Nothing, Fate::Unknown] {
            drop(self.mints.get_or_create(&Mint { provider: Name::clone(provider), result }));
        }
    }

    pub(super) fn minted(&self, provider: Name, result: Fate) {
        self.mints.get_or_create(&Mint { provider, result }).inc();
    }
}

impl Metrics {
    /// Something panicked. Takes no lock, and so may be called from anywhere.
    pub fn panicked(&self) {
        self.0.fates.panics.inc();
    }
}

impl EncodeLabelValue for Fate {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        let name = match self {
            Self::Minted => "minted",
            Self::Nothing => "nothing",
            Self::Unknown => "unknown",
        };
        EncodeLabelValue::encode(&name, encoder)
    }
}
