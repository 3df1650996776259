//! Alive, and ready.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use serde_json::json;

use super::problem::{Code, Problem};
use crate::app::App;

/// The process runs. Says nothing of providers: restarting us would not mend them.
pub(super) async fn alive() -> Response {
    axum::Json(json!({ "status": "ok" })).into_response()
}

/// New callers are welcome.
pub(super) async fn ready(State(app): State<App>) -> Response {
    if app.is_ready() {
        axum::Json(json!({ "status": "ready" })).into_response()
    } else {
        Problem::new(Code::Draining).into_response()
    }
}
