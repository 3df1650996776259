//! What every request gets, in order.

use std::{any::Any, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse as _, Response},
};
use tokio::time::timeout;
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{AllowHeaders, AllowOrigin, CorsLayer},
};

use super::{
    access_log,
    problem::{self, Code, Problem},
    rate_limit, request_id, server_timing, strict, unread, visitor,
};
use crate::{app::Live, settings::Origin};

/// Puts the layers around `router`, the outermost first.
pub(super) fn around(router: Router, live: &Live) -> Router {
    let stack = ServiceBuilder::new()
        // Even what is below may panic, and a connection that just ends tells nobody anything.
        .layer(CatchPanicLayer::custom(layer_panicked))
        // First, so that its line tells of everything below and its id is there for all of it.
        .layer(from_fn(access_log::log))
        // On every answer, whoever made it.
        .layer(from_fn_with_state(live.sandbox, mark))
        // Everything below may answer with a bare status; here it becomes a document.
        .layer(from_fn(problem::render))
        // Before anyone understands a request in one of two ways.
        .layer(from_fn(strict::check))
        // Outside of the deadline: also what took too long may have left its body unread.
        .layer(from_fn(unread::settle))
        .layer(from_fn_with_state(live.server.request_timeout, within))
        // Inside of problems, which leave its headers alone: a page must be able to read those too.
        .option_layer(cors(live))
        // Last, next to what may panic.
        .layer(CatchPanicLayer::custom(panicked));
    router.layer(stack)
}

async fn mark(State(sandbox): State<bool>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    problem::mark(headers);
    if sandbox {
        headers.insert("valetkey-sandbox", HeaderValue::from_static("1"));
    }
    response
}

/// No request takes longer than this.
async fn within(State(deadline): State<Duration>, request: Request, next: Next) -> Response {
    timeout(deadline, next.run(request)).await.unwrap_or_else(|_| {
        let detail = format!("the request took longer than {} s", deadline.as_secs_f32());
        let mut response = Problem::new(Code::RequestTimeout).detail(&detail).into_response();
        strict::close_after(&mut response);
        response
    })
}

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
fn cors(live: &Live) -> Option<CorsLayer> {
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

/// What a panic says is not repeated: it could hold anything. The log has had its line already.
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    Problem::new(Code::Internal).because("a handler panicked").into_response()
}

/// Here nobody is left who would make a document of a problem.
fn layer_panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    let mut response = problem::bare(&Problem::new(Code::Internal));
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    response
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::StatusCode, routing::get};
    use tower::ServiceExt as _;

    use super::*;
    use crate::{
        caller::Callers,
        clock::Clock,
        settings::{Layers, Problems, Settings},
    };

    fn live() -> Live {
        let mut problems = Problems::default();
        let settings = Settings::read(&Layers::default().merge(&mut problems), &mut problems);
        Live {
            tokens: std::collections::BTreeMap::new(),
            providers: crate::provider::Providers::default(),
            session: "none".into(),
            callers: Callers::nobody(Clock::fixed(0)),
            server: settings.server,
            origins: settings.origins,
            policy: crate::policy::Policy::default(),
            limits: settings.limits,
            sandbox: false,
        }
    }

    async fn ask(router: Router) -> Response {
        let request = Request::builder().header("host", "x").body(Body::empty()).unwrap();
        around(router, &live()).oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_and_tells_the_caller_nothing() {
        let router = Router::new().route("/", get(|| async { panic!("canary") as &'static str }));
        let response = ask(router).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(response.headers().contains_key("x-request-id"));
        let problem = response.extensions().get::<Problem>().unwrap();
        assert_eq!(problem.code, Code::Internal);
        assert_eq!(problem.cause.as_deref(), Some("a handler panicked"));
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains("\"internal\"") && !body.contains("canary"), "{body}");
    }

    #[tokio::test]
    async fn a_bare_status_of_a_library_becomes_a_problem() {
        for (status, code) in [
            (StatusCode::NOT_FOUND, Code::NotFound),
            (StatusCode::EXPECTATION_FAILED, Code::MalformedRequest),
            (StatusCode::NOT_IMPLEMENTED, Code::Internal),
        ] {
            let response = ask(Router::new().route("/", get(move || async move { status }))).await;
            assert_eq!(response.extensions().get::<Problem>().unwrap().code, code);
            assert_eq!(response.headers()["content-type"], "application/problem+json");
        }
    }
}
