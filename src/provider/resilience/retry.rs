//! Whether a provider may be asked again after an error. The HTTP client has then repeated by itself what an
//! HTTP/2 server did not process.

use std::time::Duration;

use super::budget::pause;
use crate::{
    outbound::ConnectError,
    provider::{ProviderError, Unreachable},
};

/// The most retries of one mint.
const MAX_RETRIES: u32 = 2;

/// The longest that a provider may want us to wait and still be asked again in the same mint.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// Why a provider is asked again, for the metrics.
pub(super) const REASONS: [&str; 8] = [
    "refused",
    "tls",
    "name",
    "no_connection",
    "stale",
    "unprocessed",
    "unavailable",
    "rate_limited",
];

/// Whether the provider may be asked again after this error and so many retries: why, and after how
/// long.
pub(super) fn may_retry(
    error: &ProviderError,
    retries: u32,
    chance: fn() -> f64,
) -> Option<(&'static str, Duration)> {
    if retries >= MAX_RETRIES {
        return None;
    }
    let (reason, wait) = match error {
        ProviderError::Unreachable(Unreachable::Connect(why)) => {
            (unconnected(*why)?, Duration::ZERO)
        }
        ProviderError::Unreachable(Unreachable::Stale) => ("stale", Duration::ZERO),
        ProviderError::Unreachable(Unreachable::Unprocessed) => ("unprocessed", Duration::ZERO),
        ProviderError::Unavailable { status: 503, retry_after: Some(wait) } => {
            ("unavailable", *wait)
        }
        ProviderError::RateLimited { retry_after: Some(wait) } => ("rate_limited", *wait),
        // The provider does not say when, it will be no better, or there may be a token.
        ProviderError::Unavailable { .. }
        | ProviderError::RateLimited { retry_after: None }
        | ProviderError::Unreachable(Unreachable::HungUp)
        | ProviderError::Refused { .. }
        | ProviderError::InvalidResponse(_)
        | ProviderError::BreakerOpen { .. }
        | ProviderError::Unasked(_)
        | ProviderError::Timeout(_)
        | ProviderError::Died => return None,
    };
    (wait <= PATIENCE).then(|| (reason, wait + pause(retries, chance())))
}

/// Why to ask again where there was no connection; `None`: it would be no better.
fn unconnected(why: ConnectError) -> Option<&'static str> {
    match why {
        ConnectError::Refused => Some("refused"),
        ConnectError::Tls => Some("tls"),
        ConnectError::Name => Some("name"),
        ConnectError::NoConnection | ConnectError::Proxy => Some("no_connection"),
        ConnectError::ClientCertificate => None,
    }
}
