//! What every request gets, in order.
//!
//! It is one function, and not a layer of tower's for each line of it: those would box and copy all
//! that lies below them, each time anew, for every request.

use std::{
    any::Any,
    convert::Infallible,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
    routing::future::RouteFuture,
};
use futures_util::{
    FutureExt as _,
    future::{CatchUnwind, Either, Map, lazy, ready},
};
use tokio::time::timeout;
use tower::{Layer as _, Service, util};
use tower_http::cors::Cors;
use tracing::Instrument as _;

use super::{
    access_log::Line,
    cors,
    problem::{self, Code, Problem},
    request_id::{self, RequestId},
    router::Routes,
    strict,
    unread::Unread,
};
use crate::app::Live;

/// A listener's routes, and all that is around them.
#[derive(Clone)]
pub struct Layered(Arc<Layers>);

struct Layers {
    routes: Routes,
    inner: util::Either<Cors<Guarded>, Guarded>,
    sandbox: bool,
    deadline: Duration,
}

impl Layered {
    pub(super) fn new(routes: Routes, live: &Live) -> Self {
        let guarded = Guarded(routes.router.clone());
        // Inside of problems, which leave its headers alone: a page must be able to read those too.
        let inner = match cors::layer(live) {
            Some(cors) => util::Either::Left(cors.layer(guarded)),
            None => util::Either::Right(guarded),
        };
        let deadline = live.server.request_timeout;
        Self(Arc::new(Layers { routes, inner, sandbox: live.sandbox, deadline }))
    }

    /// Answers, whatever happens.
    pub fn call(self, request: Request) -> impl Future<Output = Response> + Send {
        // Even what is below may panic, and a connection that just ends tells nobody anything.
        let answer = lazy(move |_| self.0.answer(request)).flatten();
        AssertUnwindSafe(answer)
            .catch_unwind()
            .map(|caught| caught.unwrap_or_else(|_| layer_panicked()))
    }
}

impl Layers {
    /// Not an `async fn`, and neither is `served`: those would keep a place for the request.
    fn answer(self: Arc<Self>, mut request: Request) -> impl Future<Output = Response> + Send {
        // First, so that the line tells of everything below and the id is there for all of it.
        let id = RequestId::of(request.headers());
        request.extensions_mut().insert(id.clone());
        let line = Line::begin(&request, self.routes.path(request.uri().path()), id.clone());
        let for_sdk = request.uri().path().starts_with("/v1/");
        // Before anyone understands a request in one of two ways.
        let response = match strict::refusal(&request) {
            None => {
                let span = tracing::debug_span!("request", request_id = id.as_str());
                Either::Left(Arc::clone(&self).served(request).instrument(span))
            }
            Some(refusal) => Either::Right(ready(refusal)),
        };
        response.map(move |response| {
            // Everything above may answer with a bare status; here it becomes a document.
            let mut response = problem::render(response, &id, for_sdk);
            // On every answer, whoever made it.
            self.mark(&mut response);
            line.end(&response);
            response.headers_mut().insert(request_id::HEADER, id.header());
            response
        })
    }

    /// No request takes longer than its deadline.
    fn served(self: Arc<Self>, request: Request) -> impl Future<Output = Response> + Send {
        let (request, unread) = Unread::lend(request);
        let answer = timeout(self.deadline, self.inner.clone().call(request));
        answer.then(async move |answer| {
            let mut response = match answer {
                Ok(Ok(response)) => response,
                Ok(Err(never)) => match never {},
                Err(_) => self.too_late(),
            };
            // Outside of the deadline: also what took too long may have left its body unread.
            if let Some(unread) = unread {
                unread.settle(&mut response).await;
            }
            response
        })
    }

    fn mark(&self, response: &mut Response) {
        let headers = response.headers_mut();
        problem::mark(headers);
        if self.sandbox {
            headers.insert("valetkey-sandbox", HeaderValue::from_static("1"));
        }
    }

    fn too_late(&self) -> Response {
        let detail = format!("the request took longer than {} s", self.deadline.as_secs_f32());
        let mut response = Problem::new(Code::RequestTimeout).detail(&detail).into_response();
        strict::close_after(&mut response);
        response
    }
}

/// Answers also where what answers panics.
#[derive(Clone)]
struct Guarded(Router);

type Caught = Result<Result<Response, Infallible>, Box<dyn Any + Send>>;

impl Service<Request> for Guarded {
    type Response = Response;
    type Error = Infallible;
    type Future = Map<
        CatchUnwind<AssertUnwindSafe<RouteFuture<Infallible>>>,
        fn(Caught) -> Result<Response, Infallible>,
    >;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let answer = AssertUnwindSafe(self.0.call(request)).catch_unwind();
        answer.map(|caught| caught.unwrap_or_else(|_| Ok(panicked())))
    }
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
    use axum::{
        body::Body,
        http::StatusCode,
        routing::{MethodRouter, get},
    };

    use super::*;
    use crate::{
        base::clock::Clock,
        caller::Callers,
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

    async fn ask(way: MethodRouter) -> Response {
        let request = Request::builder().header("host", "x").body(Body::empty()).unwrap();
        Layered::new(Routes::new([("/", way)], ()), &live()).call(request).await
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_and_tells_the_caller_nothing() {
        let response = ask(get(|| async { panic!("canary") as &'static str })).await;
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
            let response = ask(get(move || async move { status })).await;
            assert_eq!(response.extensions().get::<Problem>().unwrap().code, code);
            assert_eq!(response.headers()["content-type"], "application/problem+json");
        }
    }
}
