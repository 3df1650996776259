//! What a caller sees of an [`Error`]. Every variant is spelled out: a new one must choose.

use std::time::Duration;

use super::problem::{Code, Problem};
use crate::{
    caller::Rejected,
    error::Error,
    limit::{Exceeded, Part},
    policy::Denied,
    provider::ProviderError,
};

/// The most a caller is told to wait, whatever a provider says, in seconds.
const MAX_WAIT: u64 = 300;

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let cause = error.to_string();
        let problem = match error {
            Error::Rejected(rejected) => rejected.into(),
            Error::NotWelcome(_) => Self::new(Code::OriginNotAllowed),
            Error::Exceeded(exceeded) => exceeded.into(),
            Error::UnknownTokenType { .. } => Self::new(Code::UnknownTokenType).detail(&cause),
            Error::Disabled => Self::new(Code::TokenTypeDisabled),
            Error::Denied(denied) => denied.into(),
            Error::Provider(error) => error.into(),
            Error::Overloaded => Self::new(Code::Overloaded),
            Error::Unrecorded(_) => Self::new(Code::AuditUnavailable),
            Error::Died => Self::new(Code::Internal),
        };
        problem.because(cause)
    }
}

impl From<Rejected> for Problem {
    /// Which check failed is for the log: it would tell a guesser how close a guess was.
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Missing | Rejected::Proxied | Rejected::SignedOut | Rejected::Wrong(_) => {
                Self::new(Code::Unauthenticated)
            }
            Rejected::Forbidden => Self::new(Code::Forbidden),
            Rejected::Unavailable(_) => Self::new(Code::AuthenticationUnavailable),
        }
    }
}

impl From<Exceeded> for Problem {
    fn from(exceeded: Exceeded) -> Self {
        let code = match exceeded.part {
            Part::Rate => Code::RateLimited,
            Part::Quota => Code::QuotaExhausted,
        };
        // A quota may be a day's: that wait is not cut short.
        Self::new(code).retry_after(Some(whole_seconds(exceeded.retry_after)))
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        let code = match denied {
            Denied::NotGranted => Code::Forbidden,
            Denied::TtlIsFixed(_) | Denied::TtlOutOfBounds { .. } | Denied::UnknownField(_) => {
                Code::InvalidRequest
            }
        };
        Self::new(code).detail(&denied.to_string())
    }
}

impl From<ProviderError> for Problem {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::Refused { .. } => Self::new(Code::ProviderRefused),
            ProviderError::InvalidResponse(_) => Self::new(Code::ProviderInvalidResponse),
            ProviderError::Unreachable(_) => Self::new(Code::ProviderUnavailable),
            ProviderError::Unavailable { retry_after, .. } => {
                Self::new(Code::ProviderUnavailable).retry_after(retry_after.map(wait))
            }
            ProviderError::BreakerOpen { retry_after } => {
                Self::new(Code::ProviderUnavailable).retry_after(Some(wait(retry_after)))
            }
            ProviderError::Unasked(why) => (*why).into(),
            ProviderError::RateLimited { retry_after } => {
                Self::new(Code::ProviderRateLimited).retry_after(retry_after.map(wait))
            }
            ProviderError::Timeout(_) => Self::new(Code::ProviderTimeout),
            ProviderError::Died => Self::new(Code::Internal),
        }
    }
}

/// What a provider wants, within sense.
fn wait(duration: Duration) -> u64 {
    whole_seconds(duration).min(MAX_WAIT)
}

/// Rounded up, and at least 1.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_rounded_up_and_within_sense() {
        assert_eq!(wait(Duration::ZERO), 1);
        assert_eq!(wait(Duration::from_millis(6001)), 7);
        assert_eq!(wait(Duration::MAX), 300);
    }
}
