//! All the ways a request can end without a token. Knows no HTTP: what a caller sees of these is the
//! web's business.

use crate::{
    audit::Unrecorded,
    caller::{NotWelcome, Rejected},
    limit::Exceeded,
    policy::Denied,
    provider::ProviderError,
};

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is known to ask.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The page is not one that may ask.
    #[error(transparent)]
    NotWelcome(#[from] NotWelcome),
    /// There were too many.
    #[error(transparent)]
    Exceeded(#[from] Exceeded),
    /// No token type has this name.
    #[error("there is no such token type; there are: {}", known.join(", "))]
    UnknownTokenType {
        /// The names that there are.
        known: Vec<String>,
    },
    /// The token type is there, but switched off, or its provider is or has no key.
    #[error("the token type is disabled: it or its provider is switched off or has no API key")]
    Disabled,
    /// The policy said no.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The provider gave none.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// There is too much to do.
    #[error("as many requests are worked on, and as many wait, as may")]
    Overloaded,
    /// The decision could not be recorded.
    #[error(transparent)]
    Unrecorded(#[from] Unrecorded),
    /// The task that vended died. Whether a token was made is unknown.
    #[error("the task that vended died")]
    Died,
}

impl Error {
    /// Whether it is certain that no token was made, so that none need be counted.
    pub fn minted_nothing(&self) -> bool {
        match self {
            Self::Provider(error) => error.minted_nothing(),
            Self::Died => false,
            // The provider was not asked.
            Self::Rejected(_)
            | Self::NotWelcome(_)
            | Self::Exceeded(_)
            | Self::UnknownTokenType { .. }
            | Self::Disabled
            | Self::Denied(_)
            | Self::Overloaded
            | Self::Unrecorded(_) => true,
        }
    }
}
