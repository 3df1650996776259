//! ElevenLabs' error answers: all is under `detail`, which is an object, a list or a text.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::known::{ERRORS, Known};
use crate::sandbox::{fault::BodyShape, gateway::gateway, route::Provider};

/// The names of the errors with that status.
pub(crate) fn codes(http: StatusCode) -> Vec<&'static str> {
    let with_status = ERRORS.iter().filter(|known| known.http == http.as_u16());
    with_status.map(|known| known.status).collect()
}

fn find(http: StatusCode, status: Option<&str>) -> Option<&'static Known> {
    let mut with_status = ERRORS.iter().filter(|known| known.http == http.as_u16());
    with_status.find(|known| status.is_none_or(|status| known.status == status))
}

/// The error with that HTTP status (and `code`, where there are several) in the shape asked for.
pub(crate) fn answer(http: StatusCode, code: Option<&str>, shape: Option<BodyShape>) -> Response {
    let Some(known) = find(http, code) else {
        return gateway(http);
    };
    // A validation error is a list unless it is asked for otherwise.
    let listed = http == StatusCode::UNPROCESSABLE_ENTITY && shape.is_none();
    match shape {
        Some(BodyShape::Html) => gateway(http),
        Some(BodyShape::Text) => detail(http, json!(known.message)),
        Some(BodyShape::Legacy) => detail(http, older(known)),
        Some(BodyShape::List) => detail(http, list(known)),
        Some(BodyShape::Object) | None if listed => detail(http, list(known)),
        Some(BodyShape::Object) | None => object(known, http, known.message),
    }
}

/// The known error `code` with that status, and a message of its own.
pub(super) fn refuse(http: StatusCode, code: &str, message: &str) -> Response {
    match find(http, Some(code)) {
        Some(known) => object(known, http, message),
        None => gateway(http),
    }
}

/// The current shape, or the older one where the error has no other.
fn object(known: &Known, http: StatusCode, message: &str) -> Response {
    let Some(kind) = known.kind else {
        return detail(http, older(known));
    };
    let request_id = Uuid::new_v4().simple().to_string();
    let object = json!({
        "type": kind,
        "code": known.code,
        "message": message,
        "status": known.status,
        "request_id": request_id,
    });
    ([(Provider::ElevenLabs.request_id(), request_id)], detail(http, object)).into_response()
}

fn older(known: &Known) -> Value {
    json!({ "status": known.status, "message": known.message })
}

fn list(known: &Known) -> Value {
    json!([{
        "type": "value_error",
        "loc": ["path", "token_type"],
        "msg": known.message,
        "input": null,
    }])
}

fn detail(http: StatusCode, detail: Value) -> Response {
    (http, Json(json!({ "detail": detail }))).into_response()
}

/// A validation error with the given items.
pub(super) fn unprocessable(items: Vec<Value>) -> Response {
    detail(StatusCode::UNPROCESSABLE_ENTITY, Value::Array(items))
}

/// Unknown path.
pub(crate) fn not_found() -> Response {
    detail(StatusCode::NOT_FOUND, json!("Not Found"))
}

/// Known path, wrong method; the router adds `Allow`.
pub(crate) async fn method_not_allowed() -> Response {
    detail(StatusCode::METHOD_NOT_ALLOWED, json!("Method Not Allowed"))
}

/// A body over the limit.
pub(crate) fn too_large() -> Response {
    answer(StatusCode::PAYLOAD_TOO_LARGE, None, None)
}

/// A socket's path asked for without an upgrade.
pub(super) fn upgrade_required() -> Response {
    let refusal = answer(StatusCode::UPGRADE_REQUIRED, None, None);
    ([(header::UPGRADE, "websocket")], refusal).into_response()
}
