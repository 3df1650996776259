//! The kinds of problem, and what is always the same about each.

use axum::http::StatusCode;

/// The kind of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is described by its title, below")]
pub enum Code {
    MalformedRequest,
    NotFound,
    UnknownTokenType,
    MethodNotAllowed,
    BodyTooLarge,
    UnsupportedMediaType,
    InvalidRequest,
    Internal,
    ProviderRefused,
    ProviderInvalidResponse,
    ProviderUnavailable,
    ProviderRateLimited,
    Draining,
    TokenTypeDisabled,
    ProviderTimeout,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::MalformedRequest,
        Self::NotFound,
        Self::UnknownTokenType,
        Self::MethodNotAllowed,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::InvalidRequest,
        Self::Internal,
        Self::ProviderRefused,
        Self::ProviderInvalidResponse,
        Self::ProviderUnavailable,
        Self::ProviderRateLimited,
        Self::Draining,
        Self::TokenTypeDisabled,
        Self::ProviderTimeout,
    ];

    /// The name in `code`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MalformedRequest => "malformed_request",
            Self::NotFound => "not_found",
            Self::UnknownTokenType => "unknown_token_type",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::BodyTooLarge => "body_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::InvalidRequest => "invalid_request",
            Self::Internal => "internal",
            Self::ProviderRefused => "provider_refused",
            Self::ProviderInvalidResponse => "provider_invalid_response",
            Self::ProviderUnavailable => "provider_unavailable",
            Self::ProviderRateLimited => "provider_rate_limited",
            Self::Draining => "draining",
            Self::TokenTypeDisabled => "token_type_disabled",
            Self::ProviderTimeout => "provider_timeout",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::MalformedRequest => StatusCode::BAD_REQUEST,
            Self::NotFound | Self::UnknownTokenType => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::InvalidRequest => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ProviderRefused | Self::ProviderInvalidResponse => StatusCode::BAD_GATEWAY,
            Self::ProviderUnavailable
            | Self::ProviderRateLimited
            | Self::Draining
            | Self::TokenTypeDisabled => StatusCode::SERVICE_UNAVAILABLE,
            Self::ProviderTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// `title`
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::MalformedRequest => "The request cannot be read",
            Self::NotFound => "There is nothing here",
            Self::UnknownTokenType => "There is no such token type",
            Self::MethodNotAllowed => "The path does not take this method",
            Self::BodyTooLarge => "The body is too large",
            Self::UnsupportedMediaType => "The body is not JSON",
            Self::InvalidRequest => "The request is not what this path takes",
            Self::Internal => "The server failed",
            Self::ProviderRefused => "The provider refuses this server",
            Self::ProviderInvalidResponse => "The provider's answer is unusable",
            Self::ProviderUnavailable => "The provider is unavailable",
            Self::ProviderRateLimited => "The provider limits this server's rate",
            Self::Draining => "The server is stopping",
            Self::TokenTypeDisabled => "The token type is disabled",
            Self::ProviderTimeout => "The provider did not answer in time",
        }
    }

    /// `detail`, unless the very request calls for another.
    pub(super) fn detail(self) -> &'static str {
        match self {
            Self::MalformedRequest => {
                "The request could not be understood; check its path and body."
            }
            Self::NotFound => "Nothing is served at this path; check its spelling.",
            Self::UnknownTokenType => "Check the token type's spelling; GET /tokens lists them.",
            Self::MethodNotAllowed => "See the Allow header for what this path takes.",
            Self::BodyTooLarge => "Send a body of at most 16 KiB.",
            Self::UnsupportedMediaType => {
                "Send the body as Content-Type: application/json in UTF-8 and unencoded, or send none."
            }
            Self::InvalidRequest => "Check the body's fields.",
            Self::Internal => "This is a fault of the server. Tell whoever runs it the request_id.",
            Self::ProviderRefused => {
                "Nothing in your request can mend this: the server's own key, plan or credit at \
                 the provider is refused. Tell whoever runs it the request_id."
            }
            Self::ProviderInvalidResponse => {
                "Nothing in your request can mend this. Try again; if it stays, tell whoever runs \
                 the server the request_id."
            }
            Self::ProviderUnavailable | Self::ProviderRateLimited => {
                "Try again after retry_after seconds."
            }
            Self::Draining => "Try again: another instance may answer.",
            Self::TokenTypeDisabled => {
                "The server has no key for this token type's provider. GET /tokens lists what it vends."
            }
            Self::ProviderTimeout => "Try again.",
        }
    }

    /// When to come back, in seconds, unless the provider named a time.
    pub(super) fn retry_after(self) -> Option<u64> {
        match self {
            Self::ProviderUnavailable => Some(2),
            Self::ProviderRateLimited => Some(5),
            Self::Draining => Some(1),
            Self::TokenTypeDisabled => Some(60),
            Self::MalformedRequest
            | Self::NotFound
            | Self::UnknownTokenType
            | Self::MethodNotAllowed
            | Self::BodyTooLarge
            | Self::UnsupportedMediaType
            | Self::InvalidRequest
            | Self::Internal
            | Self::ProviderRefused
            | Self::ProviderInvalidResponse
            | Self::ProviderTimeout => None,
        }
    }

    /// Whether asking again is of no use although the status sounds as if it were. The SDKs ask
    /// again by the status alone unless they are told not to.
    pub(super) fn is_permanent(self) -> bool {
        matches!(self, Self::ProviderRefused | Self::TokenTypeDisabled)
    }

    /// Whether whoever runs the server should be woken.
    pub(super) fn is_alarming(self) -> bool {
        matches!(self, Self::ProviderRefused | Self::Internal)
    }
}
