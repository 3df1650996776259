//! The axum constant: what valetkey is built on, with a handler that does nothing. Nobody who is built
//! on it can be cheaper.

use std::net::SocketAddr;

use axum::{Router, http::header, routing::post};

use super::serve;

const TOKEN: &str = r#"{"token":"sutkn_000000000000000000000000"}"#;

/// Serves on `address` for as long as the bench runs, on as many threads as there are cores.
pub fn run(address: SocketAddr) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async move {
        let answer = || async { ([(header::CONTENT_TYPE, "application/json")], TOKEN) };
        let router = Router::new().route("/session", post(answer));
        axum::serve(serve::listen(address), router).await.unwrap();
    });
}
