//! `POST /v1/realtime/client_secrets`.

use std::time::Duration;

use axum::{
    Extension, Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use serde_json::{Value, json};

use super::{
    errors::XaiError,
    realtime::{Presented, bearer},
};
use crate::sandbox::{
    XAI_KEY, clock, fault::KeyRevoked, history::Record, state::Sandbox, tokens::Product,
};

/// Seconds a secret lives unless asked otherwise.
const DEFAULT_SECONDS: u64 = 600;

/// The most seconds that may be asked for.
const MAX_SECONDS: u64 = 3600;

/// Mints a client secret.
///
/// `session` and `expires_after.anchor`, which SDKs of another provider send, are ignored.
pub(crate) async fn mint(
    State(sandbox): State<Sandbox>,
    Extension(record): Extension<Record>,
    revoked: Option<Extension<KeyRevoked>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, XaiError> {
    authorise(&headers, revoked.is_some())?;
    let lifetime = Duration::from_secs(seconds(&headers, &body)?);
    let value = sandbox.tokens.mint(Product::XaiRealtime, lifetime);
    record.minted();
    let expires_at = (clock::unix() + lifetime).as_secs();
    Ok(Json(json!({ "value": value, "expires_at": expires_at })))
}

fn authorise(headers: &HeaderMap, revoked: bool) -> Result<(), XaiError> {
    match bearer(headers) {
        Presented::Nothing => Err(XaiError::named(StatusCode::UNAUTHORIZED, "no-credentials")),
        Presented::Credential(key) if key == XAI_KEY && !revoked => Ok(()),
        Presented::Credential(key) => Err(XaiError::incorrect_key(&key)),
    }
}

/// How many seconds the body asks for.
fn seconds(headers: &HeaderMap, body: &[u8]) -> Result<u64, XaiError> {
    if body.is_empty() {
        return Ok(DEFAULT_SECONDS);
    }
    if !is_json(headers) {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(XaiError::named(status, "unsupported-media-type"));
    }
    let body: Value = serde_json::from_slice(body).map_err(|error| {
        let text = format!("Failed to parse the request body as JSON: {error}");
        XaiError::invalid(StatusCode::BAD_REQUEST, text)
    })?;
    let Value::Object(body) = body else {
        return Err(not_an_object("the request body"));
    };
    let seconds = match body.get("expires_after") {
        None | Some(Value::Null) => return Ok(DEFAULT_SECONDS),
        Some(Value::Object(expires_after)) => expires_after.get("seconds"),
        Some(_) => return Err(not_an_object("expires_after")),
    };
    match seconds {
        None | Some(Value::Null) => Ok(DEFAULT_SECONDS),
        Some(seconds) => {
            let whole = seconds.as_u64().filter(|seconds| (1..=MAX_SECONDS).contains(seconds));
            whole.ok_or_else(|| XaiError::named(StatusCode::BAD_REQUEST, "invalid-argument"))
        }
    }
}

fn not_an_object(what: &str) -> XaiError {
    let text = format!("Failed to deserialize the JSON body: {what} must be an object.");
    XaiError::invalid(StatusCode::UNPROCESSABLE_ENTITY, text)
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}
