//! What counts are told apart by.

use prometheus_client::encoding::EncodeLabelSet;

use super::names::Name;

/// What a limit does with a request beyond it.
#[derive(Clone, Copy, Debug)]
pub enum Mode {
    /// It refuses it.
    Enforce,
    /// It only says that it would.
    Observe,
}

/// Whether a provider that was asked made a token.
#[derive(Clone, Copy, Debug)]
pub enum Fate {
    /// It did.
    Minted,
    /// It certainly did not.
    Nothing,
    /// It may have.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Decision {
    pub(super) token_type: Name,
    pub(super) outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct LimitRefusal {
    pub(super) limit: &'static str,
    pub(super) mode: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Provider {
    pub(super) provider: Name,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Mint {
    pub(super) provider: Name,
    pub(super) result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ConnectionRefusal {
    pub(super) reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Reload {
    pub(super) result: &'static str,
}

impl Mode {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Observe => "observe",
        }
    }
}

impl Fate {
    pub(super) const ALL: [Self; 3] = [Self::Minted, Self::Nothing, Self::Unknown];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Minted => "minted",
            Self::Nothing => "nothing",
            Self::Unknown => "unknown",
        }
    }
}
