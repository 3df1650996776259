//! Every route there is.

use axum::{
    Router,
    routing::{get, post},
};

use super::{health, layers, vend};
use crate::app::App;

/// What callers see.
pub fn public(app: &App) -> Router {
    let router = Router::new()
        .route("/session", post(vend::session))
        .route("/tokens", get(vend::list))
        .route("/tokens/{type}", post(vend::token))
        // The providers' own paths and shapes, for their SDKs.
        .route("/v1/realtime/client_secrets", post(vend::client_secret))
        .route("/v1/single-use-token/{type}", post(vend::single_use_token))
        .merge(health());
    layers::around(router.with_state(app.clone()), app)
}

/// What the machine itself sees.
pub fn admin(app: &App) -> Router {
    layers::around(health().with_state(app.clone()), app)
}

fn health() -> Router<App> {
    Router::new().route("/healthz", get(health::alive)).route("/readyz", get(health::ready))
}
