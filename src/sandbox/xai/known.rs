//! The errors xAI is known to answer, as data.
//!
//! Team ids and key fragments are made up, and are there because the real texts carry them: they
//! must not reach anybody.

/// One of xAI's errors. The same `code` field stands for several of them, hence `name`.
pub(super) struct Known {
    pub(super) status: u16,
    pub(super) name: &'static str,
    pub(super) code: &'static str,
    /// What `code` was in the older generation of errors.
    pub(super) legacy_code: &'static str,
    pub(super) error: &'static str,
}

const fn known(
    status: u16,
    name: &'static str,
    code: &'static str,
    legacy_code: &'static str,
    error: &'static str,
) -> Known {
    Known { status, name, code, legacy_code, error }
}

const INVALID: &str = "Client specified an invalid argument";
const UNAUTHENTICATED: &str = "The request does not have valid authentication credentials";
const FORBIDDEN: &str = "The caller does not have permission to execute the specified operation";
const EXHAUSTED: &str = "Some resource has been exhausted";
const INTERNAL: &str = "Internal error";
const UNAVAILABLE: &str = "The service is currently unavailable";

/// The errors there are; the first of a status is its most usual.
pub(super) const ERRORS: [Known; 17] = [
    known(
        400,
        "incorrect-api-key",
        "invalid-argument",
        INVALID,
        "Incorrect API key provided: xa***ey. You can obtain an API key from https://console.x.ai.",
    ),
    known(
        400,
        "invalid-argument",
        "invalid-argument",
        INVALID,
        "Invalid request content: expires_after.seconds must be between 1 and 3600.",
    ),
    known(
        401,
        "no-credentials",
        "unauthenticated:no-credentials",
        UNAUTHENTICATED,
        "No credentials presented. Send an API key in the Authorization header.",
    ),
    known(
        401,
        "bad-credentials",
        "unauthenticated:bad-credentials",
        UNAUTHENTICATED,
        "The credentials presented have expired or are not valid.",
    ),
    // Recorded from a mint: this one still has the older code.
    known(
        403,
        "no-credits",
        FORBIDDEN,
        FORBIDDEN,
        "Your newly created team doesn't have any credits or licenses yet. You can purchase those on https://console.x.ai/team/00000000-0000-0000-0000-000000000000.",
    ),
    known(
        403,
        "permission-denied",
        "permission-denied",
        FORBIDDEN,
        "The API key does not have permission to use the Voice API.",
    ),
    known(
        403,
        "team-blocked",
        "permission-denied",
        FORBIDDEN,
        "Team 00000000-0000-0000-0000-000000000000 is blocked.",
    ),
    known(
        403,
        "bad-credentials",
        "unauthenticated:bad-credentials",
        UNAUTHENTICATED,
        "The OAuth2 access token has expired.",
    ),
    known(
        404,
        "not-found",
        "not-found",
        "Some requested entity was not found",
        "The requested resource was not found. Please check the URL and try again.",
    ),
    known(
        405,
        "method-not-allowed",
        "method-not-allowed",
        "Method not allowed",
        "This method is not allowed on this path.",
    ),
    known(413, "payload-too-large", "payload-too-large", INVALID, "The request body is too large."),
    known(
        415,
        "unsupported-media-type",
        "unsupported-media-type",
        INVALID,
        "Expected a request with Content-Type: application/json.",
    ),
    known(
        422,
        "unprocessable",
        "invalid-argument",
        INVALID,
        "Failed to deserialize the JSON body into the target type.",
    ),
    known(
        429,
        "resource-exhausted",
        "resource-exhausted",
        EXHAUSTED,
        "Too many requests for team 00000000-0000-0000-0000-000000000000 and model grok-voice-latest. Your team's rate limit is — Requests per Second (actual/limit): 2/2.",
    ),
    known(500, "internal", "internal", INTERNAL, "Internal server error."),
    known(
        503,
        "unavailable",
        "unavailable",
        UNAVAILABLE,
        "The service is temporarily unavailable.",
    ),
    known(
        529,
        "overloaded",
        "overloaded",
        UNAVAILABLE,
        "The service is overloaded. Please try again later.",
    ),
];
