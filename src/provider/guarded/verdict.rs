//! What a result says of the key that it was asked with, and of the provider.

use super::{breaker::Outcome, rest::News};
use crate::{
    provider::{Invalid, ProviderError, Refusal},
    token::Minted,
};

/// The reasons for which a key is refused, for the metrics.
pub(super) const REASONS: [&str; 6] =
    ["key", "key_or_request", "credit", "permission", "credit_or_permission", LIMITED];

const LIMITED: &str = "rate_limited";

/// What a result says of the key.
pub(super) fn news(result: &Result<Minted, ProviderError>) -> News {
    match result {
        Ok(_) => News::Good,
        // The request is wrong, whoever makes it.
        Err(ProviderError::Refused { refusal: Refusal::Request, .. }) => News::None,
        Err(ProviderError::Refused { refusal, status }) => {
            News::Refused { refusal: *refusal, status: *status }
        }
        Err(ProviderError::RateLimited { retry_after }) => News::Limited(*retry_after),
        Err(
            ProviderError::InvalidResponse(_)
            | ProviderError::Unreachable(_)
            | ProviderError::Unavailable { .. }
            | ProviderError::BreakerOpen { .. }
            | ProviderError::Unasked(_)
            | ProviderError::Timeout(_)
            | ProviderError::Died,
        ) => News::None,
    }
}

/// What a result says of the provider.
pub(super) fn outcome(result: &Result<Minted, ProviderError>) -> Outcome {
    match result {
        // Whoever refuses is there.
        Ok(_) | Err(ProviderError::Refused { .. } | ProviderError::RateLimited { .. }) => {
            Outcome::Good
        }
        Err(ProviderError::InvalidResponse(invalid)) => match invalid {
            // An answer of its usual shape, even if it will not do: the clocks may differ.
            Invalid::Token | Invalid::Expiry | Invalid::Repeated => Outcome::Good,
            Invalid::Redirect
            | Invalid::NotHttp
            | Invalid::Truncated
            | Invalid::TooLarge
            | Invalid::NotJson => Outcome::Bad,
        },
        Err(
            ProviderError::Unreachable(_)
            | ProviderError::Unavailable { .. }
            | ProviderError::Timeout(_),
        ) => Outcome::Bad,
        Err(
            ProviderError::BreakerOpen { .. } | ProviderError::Unasked(_) | ProviderError::Died,
        ) => Outcome::Unknown,
    }
}

/// Why a key was refused, for the metrics.
pub(super) fn reason(error: &ProviderError) -> Option<&'static str> {
    match error {
        ProviderError::Refused { refusal, .. } => match refusal {
            Refusal::Key => Some("key"),
            Refusal::KeyOrRequest => Some("key_or_request"),
            Refusal::Credit => Some("credit"),
            Refusal::Permission => Some("permission"),
            Refusal::CreditOrPermission => Some("credit_or_permission"),
            Refusal::Request => None,
        },
        ProviderError::RateLimited { .. } => Some(LIMITED),
        ProviderError::InvalidResponse(_)
        | ProviderError::Unreachable(_)
        | ProviderError::Unavailable { .. }
        | ProviderError::BreakerOpen { .. }
        | ProviderError::Unasked(_)
        | ProviderError::Timeout(_)
        | ProviderError::Died => None,
    }
}
