//! What every request gets, in order.

use std::any::Any;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse as _, Response},
};
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{AllowHeaders, AllowOrigin, CorsLayer},
};

use super::{
    access_log,
    problem::{self, Code, Problem},
};
use crate::{
    app::App,
    settings::{Origin, Origins},
};

/// Puts the layers around `router`, the outermost first.
pub(super) fn around(router: Router, app: &App) -> Router {
    let live = app.live();
    let stack = ServiceBuilder::new()
        // First, so that its line tells of everything below and its id is there for all of it.
        .layer(from_fn(access_log::log))
        // On every answer, whoever made it.
        .layer(from_fn_with_state(live.sandbox, mark))
        // Outside of problems: a page must be able to read those too.
        .option_layer(cors(&live.origins, live.sandbox))
        // Everything below may answer with a bare status; here it becomes a document.
        .layer(from_fn(problem::render))
        // Last, next to what may panic.
        .layer(CatchPanicLayer::custom(panicked));
    router.layer(stack)
}

async fn mark(State(sandbox): State<bool>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if sandbox {
        headers.insert("valetkey-sandbox", HeaderValue::from_static("1"));
    }
    response
}

/// `None` where no page of another origin is welcome. The sandbox's tokens are worth nothing, so
/// there every page is, unless the settings name some.
fn cors(origins: &Origins, sandbox: bool) -> Option<CorsLayer> {
    let allowed = &origins.allowed;
    let allow = if allowed.contains(&Origin::Any) || (allowed.is_empty() && sandbox) {
        AllowOrigin::any()
    } else if allowed.is_empty() {
        return None;
    } else {
        let exact = allowed.iter().filter_map(|origin| match origin {
            Origin::Exact(text) => HeaderValue::from_str(text).ok(),
            Origin::Any => None,
        });
        AllowOrigin::list(exact)
    };
    let exposed = [header::RETRY_AFTER, HeaderName::from_static("x-request-id")];
    Some(
        CorsLayer::new()
            .allow_origin(allow)
            .allow_methods([Method::GET, Method::POST])
            // The official SDKs add dozens of headers of their own in a browser.
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers(exposed)
            .max_age(std::time::Duration::from_secs(600)),
    )
}

fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let said = panic.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("nothing");
    Problem::new(Code::Internal).because(format!("a handler panicked: {said}")).into_response()
}
