//! All the ways a mint can end without a token. Knows no HTTP: what a caller sees of these is the
//! web's business.

use crate::{policy::Denied, provider::ProviderError};

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No token type has this name.
    #[error("there is no such token type; there are: {}", known.join(", "))]
    UnknownTokenType {
        /// The names that there are.
        known: Vec<String>,
    },
    /// The token type is there, but its provider has no key.
    #[error("the token type is disabled: its provider has no API key")]
    Disabled,
    /// The policy said no.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The provider gave none.
    #[error(transparent)]
    Provider(#[from] ProviderError),
}
