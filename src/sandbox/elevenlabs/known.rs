//! The errors ElevenLabs is known to answer, as data.

/// One of ElevenLabs' errors, under the `status` that tells it from the others.
pub(super) struct Known {
    pub(super) http: u16,
    /// The legacy field `status`, still the most telling one.
    pub(super) status: &'static str,
    /// The field `type`; none where only the older shape has been seen.
    pub(super) kind: Option<&'static str>,
    /// The field `code`.
    pub(super) code: &'static str,
    pub(super) message: &'static str,
}

/// An error whose `code` and `status` agree, as they do unless the two generations are mixed.
const fn new(http: u16, kind: &'static str, code: &'static str, message: &'static str) -> Known {
    Known { http, status: code, kind: Some(kind), code, message }
}

/// An error seen in the older shape only.
const fn old(http: u16, status: &'static str, message: &'static str) -> Known {
    Known { http, status, kind: None, code: status, message }
}

const AUTHENTICATION: &str = "authentication_error";
const AUTHORIZATION: &str = "authorization_error";
const RATE_LIMIT: &str = "rate_limit_error";

/// The errors there are; the first of a status is its most usual.
pub(super) const ERRORS: [Known; 31] = [
    new(400, "invalid_request", "invalid_request", "The request is invalid."),
    new(400, "validation_error", "validation_error", "The request failed validation."),
    // A key of another region is answered with 400.
    new(400, AUTHENTICATION, "invalid_api_key", "Invalid API key"),
    new(401, AUTHENTICATION, "invalid_api_key", "Invalid API key"),
    new(401, AUTHENTICATION, "missing_api_key", "An API key is required to use this endpoint."),
    new(
        401,
        AUTHENTICATION,
        "invalid_authorization_header",
        "The authorization header is invalid.",
    ),
    new(401, AUTHENTICATION, "unauthorized", "You are not authorized to use this endpoint."),
    new(401, AUTHENTICATION, "sign_in_required", "You must sign in to use this endpoint."),
    // Both generations in one: only `status` says that the key is good and its scope is not.
    Known {
        http: 401,
        status: "missing_permissions",
        kind: Some(AUTHENTICATION),
        code: "unauthorized",
        message: "The API key you used is missing the permission speech_to_text \
                  to execute this operation.",
    },
    old(401, "quota_exceeded", "This request exceeds your quota."),
    new(402, "payment_required", "insufficient_credits", "You have insufficient credits."),
    new(403, AUTHORIZATION, "forbidden", "You may not use this endpoint."),
    new(403, AUTHORIZATION, "insufficient_permissions", "Your role lacks a permission."),
    new(403, AUTHORIZATION, "workspace_access_denied", "You have no access to this workspace."),
    new(403, AUTHORIZATION, "feature_not_available", "This feature is not available to you."),
    new(403, AUTHORIZATION, "subscription_required", "This feature requires a subscription."),
    new(403, AUTHORIZATION, "voice_access_denied", "You have no access to this voice."),
    new(403, AUTHORIZATION, "model_access_denied", "You have no access to this model."),
    new(404, "not_found", "not_found", "The requested resource was not found."),
    new(409, "conflict", "conflict", "The request conflicts with another."),
    new(413, "invalid_request", "payload_too_large", "The request body is too large."),
    new(422, "validation_error", "validation_error", "The request failed validation."),
    new(
        426,
        "invalid_request",
        "upgrade_required",
        "This endpoint takes WebSocket connections only.",
    ),
    new(429, RATE_LIMIT, "rate_limit_exceeded", "Too many requests."),
    new(429, RATE_LIMIT, "concurrent_limit_exceeded", "Too many concurrent requests."),
    new(429, RATE_LIMIT, "system_busy", "The system is experiencing heavy traffic."),
    old(429, "too_many_concurrent_requests", "Too many concurrent requests."),
    new(500, "internal_error", "internal_error", "An internal error occurred."),
    new(503, "service_unavailable", "service_unavailable", "The service is unavailable."),
    new(503, "service_unavailable", "maintenance", "The service is under maintenance."),
    old(503, "system_busy", "The system is experiencing heavy traffic."),
];
