//! What every request gets, in order.
//!
//! It is one function, and not a layer of tower's for each line of it: those would box and copy all
//! that lies below them, each time anew, for every request.

use std::{convert::Infallible, panic::AssertUnwindSafe, pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::Request,
    http::{HeaderName, HeaderValue, Method, header},
    response::{IntoResponse as _, Response},
    routing::Route,
};
use futures_util::FutureExt as _;
use tokio::time::timeout;
use tower::{Service, ServiceBuilder, layer::layer_fn, service_fn};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};
use tracing::Instrument as _;

use super::{
    access_log::Line,
    problem::{self, Code, Problem},
    rate_limit,
    request_id::{self, RequestId},
    server_timing, strict,
    unread::Unread,
    visitor,
};
use crate::{app::Live, settings::Origin};

/// Puts the layers around `router`.
pub(super) fn around(router: Router, live: &Live) -> Router {
    let every = Every { sandbox: live.sandbox, deadline: live.server.request_timeout };
    let stack = ServiceBuilder::new()
        .layer(layer_fn(move |inner| {
            let inner = Arc::new(inner);
            service_fn(move |request| every.request(Arc::clone(&inner), request))
        }))
        // Inside of problems, which leave its headers alone: a page must be able to read those too.
        .option_layer(cors(live))
        // Last, next to what may panic.
        .layer(layer_fn(|inner: Route| service_fn(move |request| guarded(inner.clone(), request))));
    router.layer(stack)
}

/// What the layers need to know.
#[derive(Clone, Copy)]
struct Every {
    sandbox: bool,
    deadline: Duration,
}

/// What is inside of a layer: all answers of all services look the same.
trait Inner: Service<Request, Response = Response, Error = Infallible> + Clone {}

impl<S: Service<Request, Response = Response, Error = Infallible> + Clone> Inner for S {}

impl Every {
    async fn request<S: Inner>(
        self,
        inner: Arc<S>,
        request: Request,
    ) -> Result<Response, Infallible> {
        // Even what is below may panic, and a connection that just ends tells nobody anything.
        let answer = AssertUnwindSafe(self.answer(inner, request)).catch_unwind();
        Ok(answer.await.unwrap_or_else(|_| layer_panicked()))
    }

    async fn answer<S: Inner>(self, inner: Arc<S>, mut request: Request) -> Response {
        // First, so that the line tells of everything below and the id is there for all of it.
        let id = RequestId::of(request.headers());
        request.extensions_mut().insert(id.clone());
        let line = Line::begin(&request, id.clone());
        let for_sdk = request.uri().path().starts_with("/v1/");
        // Before anyone understands a request in one of two ways.
        let response = match strict::refusal(&request) {
            None => {
                let span = tracing::debug_span!("request", request_id = id.as_str());
                self.served(inner, request).instrument(span).await
            }
            Some(refusal) => refusal,
        };
        // Everything above may answer with a bare status; here it becomes a document.
        let mut response = problem::render(response, &id, for_sdk);
        // On every answer, whoever made it.
        self.mark(&mut response);
        line.end(&response);
        response.headers_mut().insert(request_id::HEADER, id.header());
        response
    }

    /// No request takes longer than its deadline.
    async fn served<S: Inner>(self, inner: Arc<S>, request: Request) -> Response {
        let (request, unread) = Unread::lend(request);
        let answer = pin!(S::clone(&inner).call(request));
        let mut response = match timeout(self.deadline, answer).await {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => self.too_late(),
        };
        // Outside of the deadline: also what took too long may have left its body unread.
        if let Some(unread) = unread {
            unread.settle(&mut response).await;
        }
        response
    }

    fn mark(self, response: &mut Response) {
        let headers = response.headers_mut();
        problem::mark(headers);
        if self.sandbox {
            headers.insert("valetkey-sandbox", HeaderValue::from_static("1"));
        }
    }

    fn too_late(self) -> Response {
        let detail = format!("the request took longer than {} s", self.deadline.as_secs_f32());
        let mut response = Problem::new(Code::RequestTimeout).detail(&detail).into_response();
        strict::close_after(&mut response);
        response
    }
}

/// Answers also where what answers panics.
async fn guarded(mut inner: impl Inner, request: Request) -> Result<Response, Infallible> {
    let answer = AssertUnwindSafe(inner.call(request)).catch_unwind();
    answer.await.unwrap_or_else(|_| Ok(panicked()))
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
fn panicked() -> Response {
    Problem::new(Code::Internal).because("a handler panicked").into_response()
}

/// Here nobody is left who would make a document of a problem.
fn layer_panicked() -> Response {
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
