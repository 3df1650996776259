//! The kinds of problem, and what is always the same about each.

use axum::http::StatusCode;

/// What is always the same about a kind of problem.
struct Kind {
    name: &'static str,
    status: StatusCode,
    title: &'static str,
    detail: &'static str,
    retry_after: Option<u64>,
}

/// Makes the codes and what belongs to them, so that none is without any of it.
macro_rules! codes {
    ($($code:ident, $status:ident, $name:literal, $retry:expr, $title:literal, $detail:literal;)*) => {
        /// The kind of a problem.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code {
            $(#[doc = $title] $code,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$code,)*];

            fn kind(self) -> &'static Kind {
                match self {
                    $(Self::$code => &Kind {
                        name: $name,
                        status: StatusCode::$status,
                        title: $title,
                        detail: $detail,
                        retry_after: $retry,
                    },)*
                }
            }
        }
    };
}

// Code, status, name, when to come back, title; and what to do, unless the very request calls for
// another detail. Each limit says itself when to come back, and so does a provider that limits.
codes! {
    MalformedRequest, BAD_REQUEST, "malformed_request", None,
    "The request cannot be read",
    "The request could not be understood; check its path and body.";
    Unauthenticated, UNAUTHORIZED, "unauthenticated", None,
    "The caller is not known",
    "Send a credential that this server knows: a caller key or a JWT as Authorization: \
     Bearer, or your session's cookie, whichever it is set up for.";
    Forbidden, FORBIDDEN, "forbidden", None,
    "The caller may not have this",
    "Ask whoever runs the server for more, or ask it for less.";
    OriginNotAllowed, FORBIDDEN, "origin_not_allowed", None,
    "Pages of this origin may not ask",
    "Whoever runs the server must list your page's origin, exactly as the browser sends it, \
     in origins.allowed, or in the origins of the key that it uses.";
    NotFound, NOT_FOUND, "not_found", None,
    "There is nothing here",
    "Nothing is served at this path; check its spelling.";
    UnknownTokenType, NOT_FOUND, "unknown_token_type", None,
    "There is no such token type",
    "Check the token type's spelling; GET /tokens lists them.";
    MethodNotAllowed, METHOD_NOT_ALLOWED, "method_not_allowed", None,
    "The path does not take this method",
    "See the Allow header for what this path takes.";
    RequestTimeout, REQUEST_TIMEOUT, "request_timeout", None,
    "The request did not arrive in time",
    "Send the whole request at once, and try again.";
    BodyTooLarge, PAYLOAD_TOO_LARGE, "body_too_large", None,
    "The body is too large",
    "Send a body of at most 16 KiB.";
    UriTooLong, URI_TOO_LONG, "uri_too_long", None,
    "The request target is too long",
    "Send a shorter path and query, of at most 8 KiB.";
    UnsupportedMediaType, UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", None,
    "The body is not JSON",
    "Send the body as Content-Type: application/json in UTF-8 and unencoded, or send none.";
    ExpectationFailed, EXPECTATION_FAILED, "expectation_failed", None,
    "What is expected cannot be met",
    "Leave out Expect, or send Expect: 100-continue.";
    InvalidRequest, UNPROCESSABLE_ENTITY, "invalid_request", None,
    "The request is not what this path takes",
    "Check the body's fields.";
    RateLimited, TOO_MANY_REQUESTS, "rate_limited", Some(1),
    "Too many requests in a while",
    "Ask again after retry_after seconds.";
    QuotaExhausted, TOO_MANY_REQUESTS, "quota_exhausted", Some(1),
    "The quota is used up",
    "There is a new quota after retry_after seconds.";
    HeadersTooLarge, REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", None,
    "The headers are too large",
    "Send at most 64 headers, of 32 KiB together.";
    Internal, INTERNAL_SERVER_ERROR, "internal", None,
    "The server failed",
    "This is a fault of the server. Tell whoever runs it the request_id.";
    NotImplemented, NOT_IMPLEMENTED, "not_implemented", None,
    "The request is framed in a way that is not taken",
    "Send the body with a Content-Length, or with Transfer-Encoding: chunked alone.";
    ProviderRefused, BAD_GATEWAY, "provider_refused", None,
    "The provider refuses this server",
    "Nothing in your request can mend this: the server's own key, plan or credit at the \
     provider is refused. Tell whoever runs it the request_id.";
    ProviderInvalidResponse, BAD_GATEWAY, "provider_invalid_response", None,
    "The provider's answer is unusable",
    "Nothing in your request can mend this. Try again; if it stays, tell whoever runs the \
     server the request_id.";
    ProviderUnavailable, SERVICE_UNAVAILABLE, "provider_unavailable", Some(2),
    "The provider is unavailable",
    "Nothing in your request can mend this. Try again after retry_after seconds.";
    ProviderRateLimited, SERVICE_UNAVAILABLE, "provider_rate_limited", Some(5),
    "The provider limits this server's rate",
    "Nothing in your request can mend this. Try again after retry_after seconds.";
    AuthenticationUnavailable, SERVICE_UNAVAILABLE, "authentication_unavailable", Some(2),
    "The caller cannot be checked now",
    "Nothing in your request can mend this. Try again after retry_after seconds.";
    AuditUnavailable, SERVICE_UNAVAILABLE, "audit_unavailable", Some(2),
    "The decision cannot be recorded now",
    "Nothing in your request can mend this. Try again after retry_after seconds.";
    Overloaded, SERVICE_UNAVAILABLE, "overloaded", Some(1),
    "The server has too much to do",
    "Try again after retry_after seconds; nothing was spent.";
    Draining, SERVICE_UNAVAILABLE, "draining", Some(1),
    "The server is stopping",
    "Try again: another instance may answer.";
    TokenTypeDisabled, SERVICE_UNAVAILABLE, "token_type_disabled", Some(60),
    "The token type is disabled",
    "The token type is switched off, or the server has no key for its provider. GET /tokens \
     lists what it vends.";
    ProviderTimeout, GATEWAY_TIMEOUT, "provider_timeout", None,
    "The provider did not answer in time",
    "Try again.";
}

impl Code {
    /// The name in `code`.
    pub fn name(self) -> &'static str {
        self.kind().name
    }

    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        self.kind().status
    }

    /// `title`
    pub(super) fn title(self) -> &'static str {
        self.kind().title
    }

    /// `detail`, unless the very request calls for another.
    pub(super) fn detail(self) -> &'static str {
        self.kind().detail
    }

    /// When to come back, in seconds, unless the provider named a time.
    pub(super) fn retry_after(self) -> Option<u64> {
        self.kind().retry_after
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
