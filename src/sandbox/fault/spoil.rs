//! Good answers of the mint routes made bad.

use axum::{
    body::{Body, to_bytes},
    http::header,
    response::Response,
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Action, Expiry};

/// No answer of a stand-in that can be spoilt is larger.
const LIMIT: usize = 1024 * 1024;

/// 2100-01-01, in Unix seconds.
const FAR: u64 = 4_102_444_800;

/// Seconds from the expiry back into the past: more than any token lives.
const LONG_AGO: u64 = 86_400;

/// Applies `action` to a success; an error passes as it is.
pub(super) async fn spoil(action: &Action, answer: Response) -> Response {
    if !answer.status().is_success() {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    let body = whole(body).await;
    let Ok(mut json) = serde_json::from_slice(&body) else {
        return Response::from_parts(parts, Body::from(body));
    };
    rewrite(action, &mut json);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(json.to_string()))
}

/// All of a stand-in's own answer, which is in memory and cannot fail to be read.
pub(super) async fn whole(body: Body) -> Bytes {
    to_bytes(body, LIMIT).await.unwrap_or_default()
}

fn rewrite(action: &Action, json: &mut Value) {
    match action {
        Action::WrongTypes => wrong_types(json),
        Action::Nested => *json = json!({ "client_secret": json.take() }),
        Action::Expiry(expiry) => wrong_expiry(*expiry, json),
        Action::BadToken => bad_token(json),
        _ => {}
    }
}

fn wrong_types(json: &mut Value) {
    let Some(object) = json.as_object_mut() else { return };
    for value in object.values_mut() {
        *value = if value.is_string() { json!(12345) } else { json!("soon") };
    }
}

fn wrong_expiry(expiry: Expiry, json: &mut Value) {
    let expires_at = json["expires_at"].as_u64().unwrap_or_default();
    json["expires_at"] = match expiry {
        Expiry::Past => json!(expires_at.saturating_sub(LONG_AGO)),
        Expiry::Far => json!(FAR),
        Expiry::Milliseconds => json!(expires_at * 1000),
        Expiry::Missing => {
            json.as_object_mut().map(|object| object.remove("expires_at"));
            return;
        }
    };
}

fn bad_token(json: &mut Value) {
    let Some(object) = json.as_object_mut() else { return };
    for value in object.values_mut().filter(|value| value.is_string()) {
        *value = json!("sandbox token\r\nx-injected: yes\u{1}");
    }
}
