//! Alive, and ready.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse as _, Response},
};
use serde_json::json;

use super::{
    problem::{Code, Problem},
    site::Site,
};
use crate::{limit::StoreState, metrics::CONTENT_TYPE};

/// The process runs. Says nothing of providers: restarting us would not mend them.
pub(super) async fn alive() -> Response {
    axum::Json(json!({ "status": "ok" })).into_response()
}

/// New callers are welcome. What else there is to know is told on the admin listener alone.
pub(super) async fn ready_in_detail(State(Site { app, .. }): State<Site>) -> Response {
    if !app.is_ready() {
        return Problem::new(Code::Draining).into_response();
    }
    let (store, why) = match app.limiter().store_state() {
        StoreState::Memory => ("memory", None),
        StoreState::Shared => ("redis", None),
        // The limits of this process go on.
        StoreState::LocalOnly { reason, .. } => ("memory, because redis fails", Some(reason)),
    };
    let limits = json!({ "counted_in": store, "reason": why });
    let records = if app.audit().is_stuck() { "stuck" } else { "ok" };
    let loads = app.loads();
    let failed = loads.failed.map(|it| json!({ "at": it.at, "problems": it.problems }));
    let settings = json!({
        "loaded_at": loads.loaded_at,
        "reloads": loads.reloads,
        "failed": failed,
        "needs_restart": loads.needs_restart,
    });
    let detail =
        json!({ "status": "ready", "limits": limits, "audit": records, "settings": settings });
    axum::Json(detail).into_response()
}

/// What is counted, for Prometheus.
pub(super) async fn metrics(State(Site { app, .. }): State<Site>) -> Response {
    let up = match app.limiter().store_state() {
        StoreState::Memory => None,
        StoreState::Shared => Some(true),
        StoreState::LocalOnly { .. } => Some(false),
    };
    app.metrics().limit_store(up, app.limiter().spent_without_redis());
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], app.metrics().render()).into_response()
}

/// New callers are welcome.
pub(super) async fn ready(State(Site { app, .. }): State<Site>) -> Response {
    if app.is_ready() {
        axum::Json(json!({ "status": "ready" })).into_response()
    } else {
        Problem::new(Code::Draining).into_response()
    }
}
