//! What a gateway in front of a provider answers: a page, not JSON.

use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};

/// The usual page for `status`.
pub(crate) fn gateway(status: StatusCode) -> Response {
    let reason = status.canonical_reason().unwrap_or("Error");
    let title = format!("{} {reason}", status.as_u16());
    let page =
        format!("<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>");
    (status, Html(page)).into_response()
}
