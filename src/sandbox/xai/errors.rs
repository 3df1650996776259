//! xAI's error answers: `{"code": "…", "error": "…"}`.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::known::{ERRORS, Known};
use crate::sandbox::{fault::BodyShape, gateway::gateway};

/// An error answer.
pub(crate) struct XaiError {
    status: StatusCode,
    code: &'static str,
    error: String,
}

impl XaiError {
    /// The known error `name` with that status.
    pub(super) fn named(status: StatusCode, name: &'static str) -> Self {
        let known = find(status, Some(name));
        let code = known.map_or(name, |known| known.code);
        let error = known.map_or(name, |known| known.error).to_owned();
        Self { status, code, error }
    }

    /// A request whose arguments do not fit, with `error` saying how.
    pub(super) fn invalid(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, code: "invalid-argument", error: error.into() }
    }

    /// A key that is not ours. xAI answers 400, and repeats a part of the key.
    pub(super) fn incorrect_key(key: &str) -> Self {
        let error = format!(
            "Incorrect API key provided: {}. You can obtain an API key from https://console.x.ai.",
            fragment(key)
        );
        Self::invalid(StatusCode::BAD_REQUEST, error)
    }
}

impl IntoResponse for XaiError {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "code": self.code, "error": self.error }))).into_response()
    }
}

/// The first and last two characters, unless that would be most of the key.
fn fragment(key: &str) -> String {
    let characters: Vec<char> = key.chars().collect();
    match characters.as_slice() {
        [a, b, middle @ .., y, z] if middle.len() >= 4 => format!("{a}{b}***{y}{z}"),
        _ => "***".to_owned(),
    }
}

/// The names of the errors with that status.
pub(crate) fn codes(status: StatusCode) -> Vec<&'static str> {
    let with_status = ERRORS.iter().filter(|known| known.status == status.as_u16());
    with_status.map(|known| known.name).collect()
}

fn find(status: StatusCode, name: Option<&str>) -> Option<&'static Known> {
    let mut with_status = ERRORS.iter().filter(|known| known.status == status.as_u16());
    with_status.find(|known| name.is_none_or(|name| known.name == name))
}

/// The error with `status` (and `code`, where there are several) in the shape asked for.
pub(crate) fn answer(status: StatusCode, code: Option<&str>, shape: Option<BodyShape>) -> Response {
    let Some(known) = find(status, code) else {
        return gateway(status);
    };
    let Known { code, legacy_code, error, .. } = known;
    let body = match shape {
        Some(BodyShape::Html) => return gateway(status),
        Some(BodyShape::Legacy) => json!({ "code": legacy_code, "error": error }),
        Some(BodyShape::Text) => json!({ "error": error }),
        Some(BodyShape::Object) => {
            let kind = "invalid_request_error";
            json!({ "error": { "message": error, "type": kind, "param": null, "code": code } })
        }
        Some(BodyShape::List) | None => json!({ "code": code, "error": error }),
    };
    (status, Json(body)).into_response()
}

/// Unknown path.
pub(crate) fn not_found() -> Response {
    XaiError::named(StatusCode::NOT_FOUND, "not-found").into_response()
}

/// Known path, wrong method; the router adds `Allow`.
pub(crate) async fn method_not_allowed() -> Response {
    XaiError::named(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed").into_response()
}

/// A body over the limit.
pub(crate) fn too_large() -> Response {
    XaiError::named(StatusCode::PAYLOAD_TOO_LARGE, "payload-too-large").into_response()
}

/// A socket's path asked for without an upgrade.
pub(super) fn upgrade_required() -> Response {
    let error = "This endpoint takes WebSocket connections only.";
    let refusal = XaiError::invalid(StatusCode::UPGRADE_REQUIRED, error).into_response();
    ([(header::UPGRADE, "websocket")], refusal).into_response()
}
