//! Every route there is.

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

use super::{health, layers, mint, site::Site};
use crate::app::{App, Live};

/// What callers see, as `live` says.
pub fn public(app: &App, live: &Arc<Live>) -> Router {
    let router = Router::new()
        .route("/session", post(mint::session))
        .route("/tokens", get(mint::list))
        .route("/tokens/{type}", post(mint::token))
        // The providers' own paths and shapes, for their SDKs.
        .route("/v1/realtime/client_secrets", post(mint::client_secret))
        .route("/v1/single-use-token/{type}", post(mint::single_use_token))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready));
    let site = Site { app: app.clone(), live: Arc::clone(live) };
    layers::around(router.with_state(site), live)
}

/// What the machine itself sees, as `live` says.
pub fn admin(app: &App, live: &Arc<Live>) -> Router {
    let router = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready_in_detail))
        .route("/metrics", get(health::metrics));
    let site = Site { app: app.clone(), live: Arc::clone(live) };
    layers::around(router.with_state(site), live)
}
