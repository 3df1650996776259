//! The kinds of problem, and what is always the same about each.

use axum::http::StatusCode;

/// The kind of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is described by its title, below")]
pub enum Code {
    MalformedRequest,
    Unauthenticated,
    Forbidden,
    OriginNotAllowed,
    NotFound,
    UnknownTokenType,
    MethodNotAllowed,
    RequestTimeout,
    BodyTooLarge,
    UriTooLong,
    UnsupportedMediaType,
    ExpectationFailed,
    InvalidRequest,
    RateLimited,
    QuotaExhausted,
    HeadersTooLarge,
    Internal,
    NotImplemented,
    ProviderRefused,
    ProviderInvalidResponse,
    ProviderUnavailable,
    ProviderRateLimited,
    AuthenticationUnavailable,
    AuditUnavailable,
    Overloaded,
    Draining,
    TokenTypeDisabled,
    ProviderTimeout,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 28] = [
        Self::MalformedRequest,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::OriginNotAllowed,
        Self::NotFound,
        Self::UnknownTokenType,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::BodyTooLarge,
        Self::UriTooLong,
        Self::UnsupportedMediaType,
        Self::ExpectationFailed,
        Self::InvalidRequest,
        Self::RateLimited,
        Self::QuotaExhausted,
        Self::HeadersTooLarge,
        Self::Internal,
        Self::NotImplemented,
        Self::ProviderRefused,
        Self::ProviderInvalidResponse,
        Self::ProviderUnavailable,
        Self::ProviderRateLimited,
        Self::AuthenticationUnavailable,
        Self::AuditUnavailable,
        Self::Overloaded,
        Self::Draining,
        Self::TokenTypeDisabled,
        Self::ProviderTimeout,
    ];

    /// The name in `code`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MalformedRequest => "malformed_request",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::OriginNotAllowed => "origin_not_allowed",
            Self::NotFound => "not_found",
            Self::UnknownTokenType => "unknown_token_type",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::RequestTimeout => "request_timeout",
            Self::BodyTooLarge => "body_too_large",
            Self::UriTooLong => "uri_too_long",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::ExpectationFailed => "expectation_failed",
            Self::InvalidRequest => "invalid_request",
            Self::RateLimited => "rate_limited",
            Self::QuotaExhausted => "quota_exhausted",
            Self::HeadersTooLarge => "headers_too_large",
            Self::Internal => "internal",
            Self::NotImplemented => "not_implemented",
            Self::ProviderRefused => "provider_refused",
            Self::ProviderInvalidResponse => "provider_invalid_response",
            Self::ProviderUnavailable => "provider_unavailable",
            Self::ProviderRateLimited => "provider_rate_limited",
            Self::AuthenticationUnavailable => "authentication_unavailable",
            Self::AuditUnavailable => "audit_unavailable",
            Self::Overloaded => "overloaded",
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
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::OriginNotAllowed => StatusCode::FORBIDDEN,
            Self::NotFound | Self::UnknownTokenType => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::ExpectationFailed => StatusCode::EXPECTATION_FAILED,
            Self::InvalidRequest => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RateLimited | Self::QuotaExhausted => StatusCode::TOO_MANY_REQUESTS,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            Self::ProviderRefused | Self::ProviderInvalidResponse => StatusCode::BAD_GATEWAY,
            Self::ProviderUnavailable
            | Self::ProviderRateLimited
            | Self::AuthenticationUnavailable
            | Self::AuditUnavailable
            | Self::Overloaded
            | Self::Draining
            | Self::TokenTypeDisabled => StatusCode::SERVICE_UNAVAILABLE,
            Self::ProviderTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// `title`
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::MalformedRequest => "The request cannot be read",
            Self::Unauthenticated => "The caller is not known",
            Self::Forbidden => "The caller may not have this",
            Self::OriginNotAllowed => "Pages of this origin may not ask",
            Self::NotFound => "There is nothing here",
            Self::UnknownTokenType => "There is no such token type",
            Self::MethodNotAllowed => "The path does not take this method",
            Self::RequestTimeout => "The request did not arrive in time",
            Self::BodyTooLarge => "The body is too large",
            Self::UriTooLong => "The request target is too long",
            Self::UnsupportedMediaType => "The body is not JSON",
            Self::ExpectationFailed => "What is expected cannot be met",
            Self::InvalidRequest => "The request is not what this path takes",
            Self::RateLimited => "Too many requests in a while",
            Self::QuotaExhausted => "The quota is used up",
            Self::HeadersTooLarge => "The headers are too large",
            Self::Internal => "The server failed",
            Self::NotImplemented => "The request is framed in a way that is not taken",
            Self::ProviderRefused => "The provider refuses this server",
            Self::ProviderInvalidResponse => "The provider's answer is unusable",
            Self::ProviderUnavailable => "The provider is unavailable",
            Self::ProviderRateLimited => "The provider limits this server's rate",
            Self::AuthenticationUnavailable => "The caller cannot be checked now",
            Self::AuditUnavailable => "The decision cannot be recorded now",
            Self::Overloaded => "The server has too much to do",
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
            Self::Unauthenticated => {
                "Send a credential that this server knows: a caller key or a JWT as \
                 Authorization: Bearer, or your session's cookie, whichever it is set up for."
            }
            Self::Forbidden => "Ask whoever runs the server for more, or ask it for less.",
            Self::OriginNotAllowed => {
                "Whoever runs the server must list your page's origin, exactly as the browser \
                 sends it, in origins.allowed, or in the origins of the key that it uses."
            }
            Self::NotFound => "Nothing is served at this path; check its spelling.",
            Self::UnknownTokenType => "Check the token type's spelling; GET /tokens lists them.",
            Self::MethodNotAllowed => "See the Allow header for what this path takes.",
            Self::RequestTimeout => "Send the whole request at once, and try again.",
            Self::BodyTooLarge => "Send a body of at most 16 KiB.",
            Self::UriTooLong => "Send a shorter path and query, of at most 8 KiB.",
            Self::UnsupportedMediaType => {
                "Send the body as Content-Type: application/json in UTF-8 and unencoded, or send none."
            }
            Self::ExpectationFailed => "Leave out Expect, or send Expect: 100-continue.",
            Self::InvalidRequest => "Check the body's fields.",
            Self::RateLimited => "Ask again after retry_after seconds.",
            Self::QuotaExhausted => "There is a new quota after retry_after seconds.",
            Self::HeadersTooLarge => "Send at most 64 headers, of 32 KiB together.",
            Self::Internal => "This is a fault of the server. Tell whoever runs it the request_id.",
            Self::NotImplemented => {
                "Send the body with a Content-Length, or with Transfer-Encoding: chunked alone."
            }
            Self::ProviderRefused => {
                "Nothing in your request can mend this: the server's own key, plan or credit at \
                 the provider is refused. Tell whoever runs it the request_id."
            }
            Self::ProviderInvalidResponse => {
                "Nothing in your request can mend this. Try again; if it stays, tell whoever runs \
                 the server the request_id."
            }
            Self::ProviderUnavailable
            | Self::ProviderRateLimited
            | Self::AuthenticationUnavailable
            | Self::AuditUnavailable => {
                "Nothing in your request can mend this. Try again after retry_after seconds."
            }
            Self::Overloaded => "Try again after retry_after seconds; nothing was spent.",
            Self::Draining => "Try again: another instance may answer.",
            Self::TokenTypeDisabled => {
                "The token type is switched off, or the server has no key for its provider. \
                 GET /tokens lists what it vends."
            }
            Self::ProviderTimeout => "Try again.",
        }
    }

    /// When to come back, in seconds, unless the provider named a time.
    pub(super) fn retry_after(self) -> Option<u64> {
        match self {
            Self::ProviderUnavailable => Some(2),
            Self::ProviderRateLimited => Some(5),
            Self::AuthenticationUnavailable | Self::AuditUnavailable => Some(2),
            // Each limit says when; without one it is soon.
            Self::RateLimited | Self::QuotaExhausted => Some(1),
            Self::Draining | Self::Overloaded => Some(1),
            Self::TokenTypeDisabled => Some(60),
            Self::MalformedRequest
            | Self::Unauthenticated
            | Self::Forbidden
            | Self::OriginNotAllowed
            | Self::NotFound
            | Self::UnknownTokenType
            | Self::MethodNotAllowed
            | Self::RequestTimeout
            | Self::BodyTooLarge
            | Self::UriTooLong
            | Self::UnsupportedMediaType
            | Self::ExpectationFailed
            | Self::InvalidRequest
            | Self::HeadersTooLarge
            | Self::Internal
            | Self::NotImplemented
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
        matches!(self, Self::ProviderRefused | Self::AuditUnavailable | Self::Internal)
    }
}
