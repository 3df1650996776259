//! What browsers are told of pages of other origins.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use super::{rate_limit, request_id, server_timing, visitor};
use crate::{app::Live, settings::Origin};

/// What a page of another origin needs to read of an answer's headers.
const EXPOSED: [HeaderName; 6] = [
    header::RETRY_AFTER,
    request_id::HEADER,
    rate_limit::STANDING,
    rate_limit::POLICY,
    server_timing::HEADER,
    HeaderName::from_static("x-should-retry"),
];

/// Tells browsers which pages may read answers; `None` where no page of another origin may. Whether a
/// page may ask is decided elsewhere: by then it is known who asks.
pub(super) fn layer(live: &Live) -> Option<CorsLayer> {
    // A preflight says nothing of the key that will come: the pages of any are let through.
    let origins: Vec<&Origin> =
        live.origins.allowed.iter().chain(live.callers.key_origins()).collect();
    let allow = if origins.contains(&&Origin::Any) {
        AllowOrigin::any()
    } else if origins.is_empty() {
        return None;
    } else {
        let exact = origins.into_iter().filter_map(|origin| match origin {
            Origin::Exact(text) => HeaderValue::from_str(text).ok(),
            Origin::Any => None,
        });
        let exact: Vec<HeaderValue> = exact.collect();
        AllowOrigin::predicate(move |origin, request| {
            let is_listed = exact.contains(origin);
            if !is_listed && request.method == Method::OPTIONS {
                // The browser will not ask, so that no other line tells of it.
                let origin = visitor::shown(origin).unwrap_or("(no origin of a browser's)");
                tracing::info!(origin, "a page of an origin that is not listed would ask");
            }
            is_listed
        })
    };
    Some(
        CorsLayer::new()
            .allow_origin(allow)
            .allow_credentials(live.origins.credentials)
            .allow_methods([Method::GET, Method::POST])
            // The official SDKs add dozens of headers of their own in a browser.
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers(EXPOSED)
            .max_age(Duration::from_secs(600)),
    )
}
