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
pub enum MintOutcome {
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

impl MintOutcome {
    /// What came of a request for a token. `minted_nothing`: whether an error says so for certain.
    pub fn of<T, E>(result: &Result<T, E>, minted_nothing: impl Fn(&E) -> bool) -> Self {
        match result {
            Ok(_) => Self::Minted,
            Err(error) if minted_nothing(error) => Self::Nothing,
            Err(_) => Self::Unknown,
        }
    }

    pub(super) const ALL: [Self; 3] = [Self::Minted, Self::Nothing, Self::Unknown];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Minted => "minted",
            Self::Nothing => "nothing",
            Self::Unknown => "unknown",
        }
    }
}
