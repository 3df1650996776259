//! Every route there is.

use axum::{
    Router,
    routing::{get, post},
};

use super::{health, layers, mint};
use crate::app::App;

/// What callers see.
pub fn public(app: &App) -> Router {
    let router = Router::new()
        .route("/session", post(mint::session))
        .route("/tokens", get(mint::list))
        .route("/tokens/{type}", post(mint::token))
        // The providers' own paths and shapes, for their SDKs.
        .route("/v1/realtime/client_secrets", post(mint::client_secret))
        .route("/v1/single-use-token/{type}", post(mint::single_use_token))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready));
    layers::around(router.with_state(app.clone()), app)
}

/// What the machine itself sees.
pub fn admin(app: &App) -> Router {
    let router = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready_in_detail))
        .route("/metrics", get(health::metrics));
    layers::around(router.with_state(app.clone()), app)
}
