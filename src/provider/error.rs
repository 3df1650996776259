//! The ways a provider can fail us. Nothing in here repeats what the provider said: its messages
//! can hold fragments of the key and the account's name.

use std::time::Duration;

use crate::outbound::ConnectError;

/// Why the provider gave no token.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It does not want us: our key, plan or credit, or a request that it does not understand.
    #[error("the provider refused us with status {status}: {refusal}")]
    Refused {
        /// What it minds.
        refusal: Refusal,
        /// The HTTP status.
        status: u16,
    },
    /// It answered, but not with a token.
    #[error("the provider's answer is unusable: {0}")]
    InvalidResponse(#[from] Invalid),
    /// It cannot be reached, or hung up before it answered.
    #[error("the provider cannot be reached: {0}")]
    Unreachable(#[from] Unreachable),
    /// It says that it cannot answer now.
    #[error("the provider is unavailable, with status {status}")]
    Unavailable {
        /// The HTTP status.
        status: u16,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// It wants fewer requests from us.
    #[error("the provider limits our rate")]
    RateLimited {
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// It failed so often of late that it was not asked.
    #[error("the provider fails, and is not asked again for {} ms", retry_after.as_millis())]
    BreakerOpen {
        /// When it will be.
        retry_after: Duration,
    },
    /// It was not asked, for what is known from before.
    #[error(transparent)]
    Unasked(Box<ProviderError>),
    /// It did not answer in time.
    #[error("the provider did not answer within {} ms", _0.as_millis())]
    Timeout(Duration),
    /// The mint panicked. Whether a token was made is unknown.
    #[error("the mint panicked")]
    Died,
}

impl ProviderError {
    /// Whether a request was sent.
    pub fn was_asked(&self) -> bool {
        !matches!(self, Self::Unasked(_))
    }

    /// Whether it is certain that no token was made, so that none need be counted.
    pub fn minted_nothing(&self) -> bool {
        match self {
            // Who says when to come back has put us off. (RFC 9110, section 15.6.4.)
            Self::Refused { .. }
            | Self::RateLimited { .. }
            | Self::BreakerOpen { .. }
            | Self::Unasked(_)
            | Self::Unavailable { status: 503, retry_after: Some(_) }
            | Self::Unreachable(Unreachable::Connect(_) | Unreachable::Unprocessed) => true,
            // It may have been made before things went wrong.
            Self::InvalidResponse(_)
            | Self::Unreachable(Unreachable::Stale | Unreachable::HungUp)
            | Self::Unavailable { .. }
            | Self::Timeout(_)
            | Self::Died => false,
        }
    }
}

/// Why a provider cannot be reached. The library's own words are logged at debug level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// There was no connection, so that it was not asked.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The connection was there, and had been open for a while.
    #[error("it closed a connection that had been open for a while without an answer")]
    Stale,
    /// The connection was there.
    #[error("it closed the connection without an answer")]
    HungUp,
    /// It said that it did not process the request, so that there is no token.
    #[error("it did not process the request")]
    Unprocessed,
}

impl From<ConnectError> for ProviderError {
    fn from(why: ConnectError) -> Self {
        Self::Unreachable(why.into())
    }
}

/// What a provider minds about us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The key is wrong, revoked or of another region.
    #[error("it does not accept the API key")]
    Key,
    /// The key or the request: some providers do not say which.
    #[error("it does not accept the API key or, less likely, our request")]
    KeyOrRequest,
    /// Nothing left to spend.
    #[error("the account has no credit or quota left")]
    Credit,
    /// The key or the plan does not include this product.
    #[error("the API key or the account lacks the permission")]
    Permission,
    /// One of the two: some providers do not say which.
    #[error("the account has no credit left or the API key lacks the permission")]
    CreditOrPermission,
    /// It does not understand what we ask.
    #[error("it does not take our request")]
    Request,
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It points elsewhere, where our key will not go.
    #[error("it is a redirect")]
    Redirect,
    /// Not HTTP at all.
    #[error("it is not HTTP")]
    NotHttp,
    /// The body ended before its time.
    #[error("it is cut off")]
    Truncated,
    /// More than a token can need.
    #[error("it is too large")]
    TooLarge,
    /// Not JSON.
    #[error("it is not JSON of the documented shape")]
    NotJson,
    /// A token that cannot be one.
    #[error("the token is empty, too long or has characters that cannot travel in a header")]
    Token,
    /// An expiry that cannot be one.
    #[error("the token's expiry is in the past or too far ahead")]
    Expiry,
    /// A token for single use that was handed out before.
    #[error("the token is for single use and was handed out before")]
    Repeated,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_certain_to_have_minted_nothing() {
        let wait = Some(Duration::from_secs(1));
        let unavailable = |status, retry_after| ProviderError::Unavailable { status, retry_after };
        let refused = |refusal| ProviderError::Refused { refusal, status: 400 };
        let certain = [
            refused(Refusal::Key),
            refused(Refusal::KeyOrRequest),
            refused(Refusal::Credit),
            refused(Refusal::Permission),
            refused(Refusal::CreditOrPermission),
            refused(Refusal::Request),
            ProviderError::RateLimited { retry_after: None },
            ProviderError::RateLimited { retry_after: wait },
            ProviderError::BreakerOpen { retry_after: Duration::ZERO },
            ProviderError::Unasked(Box::new(ProviderError::RateLimited { retry_after: wait })),
            unavailable(503, wait),
            ConnectError::Refused.into(),
            ConnectError::Tls.into(),
            ConnectError::ClientCertificate.into(),
            ConnectError::Proxy.into(),
            ConnectError::Name.into(),
            ConnectError::NoConnection.into(),
            Unreachable::Unprocessed.into(),
        ];
        let uncertain = [
            unavailable(503, None),
            unavailable(500, wait),
            unavailable(408, wait),
            Unreachable::Stale.into(),
            Unreachable::HungUp.into(),
            Invalid::Redirect.into(),
            Invalid::NotHttp.into(),
            Invalid::Truncated.into(),
            Invalid::TooLarge.into(),
            Invalid::NotJson.into(),
            Invalid::Token.into(),
            Invalid::Expiry.into(),
            Invalid::Repeated.into(),
            ProviderError::Timeout(Duration::ZERO),
            ProviderError::Died,
        ];
        for (errors, expected) in [(&certain[..], true), (&uncertain[..], false)] {
            for error in errors {
                assert_eq!(error.minted_nothing(), expected, "{error}");
            }
        }
    }
}
