//! What a caller sees of an [`Error`]. Every variant is spelled out: a new one must choose.

use std::time::Duration;

use super::problem::{Code, Problem};
use crate::{error::Error, policy::Denied, provider::ProviderError};

/// The most a caller is told to wait, whatever a provider says, in seconds.
const MAX_WAIT: u64 = 300;

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let cause = error.to_string();
        let problem = match error {
            Error::UnknownTokenType { .. } => Self::new(Code::UnknownTokenType).detail(&cause),
            Error::Disabled => Self::new(Code::TokenTypeDisabled),
            Error::Denied(denied) => denied.into(),
            Error::Provider(error) => error.into(),
        };
        problem.because(cause)
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::TtlIsFixed(_) | Denied::TtlOutOfBounds { .. } | Denied::UnknownField(_) => {
                Self::new(Code::InvalidRequest).detail(&denied.to_string())
            }
        }
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
            ProviderError::RateLimited { retry_after } => {
                Self::new(Code::ProviderRateLimited).retry_after(retry_after.map(wait))
            }
            ProviderError::Timeout(_) => Self::new(Code::ProviderTimeout),
            ProviderError::Died => Self::new(Code::Internal),
        }
    }
}

/// Whole seconds, rounded up, within sense.
fn wait(duration: Duration) -> u64 {
    let whole = duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0));
    whole.clamp(1, MAX_WAIT)
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
