//! `POST /v1/single-use-token/{token_type}`.

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{access::by_key, errors::unprocessable};
use crate::sandbox::{fault::KeyRevoked, history::Record, state::Sandbox, tokens::Product};

/// Mints a single-use token; there is nothing to say in a body, and none is looked at.
pub(crate) async fn mint(
    State(sandbox): State<Sandbox>,
    Extension(record): Extension<Record>,
    revoked: Option<Extension<KeyRevoked>>,
    Path(token_type): Path<String>,
    headers: HeaderMap,
) -> Response {
    // The path is validated before the key is looked at, as FastAPI does.
    let Some(product) = Product::of_token_type(&token_type) else {
        return unknown_type(&token_type);
    };
    if let Err(denied) = by_key(&headers, revoked.is_some()) {
        return denied.answer();
    }
    let token = sandbox.tokens.mint(product, sandbox.token_lifetime);
    record.minted();
    Json(json!({ "token": token })).into_response()
}

fn unknown_type(given: &str) -> Response {
    let expected = "'realtime_scribe', 'batch_scribe' or 'tts_websocket'";
    unprocessable(vec![json!({
        "type": "enum",
        "loc": ["path", "token_type"],
        "msg": format!("Input should be {expected}"),
        "input": given,
        "ctx": { "expected": expected },
    })])
}
