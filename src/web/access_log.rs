//! One line a request, also when the caller hangs up before its answer.

use std::time::{Duration, Instant};

use axum::{
    extract::Request,
    http::{HeaderValue, Method, StatusCode},
    response::Response,
};

use super::{problem::Problem, request_id::RequestId, server_timing};
use crate::{token::Name, vending};

/// What a handler knows of a request for a token, for the line. Travels in the answer's extensions.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    token_type: Option<Name>,
    provider: Option<Name>,
    pool: Option<vending::Asked>,
    upstream: Option<Duration>,
}

impl Facts {
    pub(super) fn of(facts: &vending::Facts<'_>) -> Self {
        Self {
            token_type: facts.token_type.map(|it| Name::clone(&it.name)),
            provider: facts.token_type.map(|it| Name::clone(&it.provider)),
            pool: facts.pool,
            upstream: facts.upstream,
        }
    }

    /// What the time until the answer went into, all of which took `total`.
    pub(super) fn server_timing(&self, total: Duration) -> Option<HeaderValue> {
        server_timing::value(self.pool, self.upstream, total)
    }

    pub(super) fn token_type(&self) -> Option<&str> {
        self.token_type.as_deref()
    }
}

/// The longest method that is shown. The longest registered one has 17 letters.
const MAX_METHOD: usize = 20;

/// A line that will be written, at the latest when it is dropped.
pub(super) struct Line {
    method: Method,
    route: Option<&'static str>,
    id: RequestId,
    begun: Instant,
    ended: bool,
}

impl Line {
    /// Begins with the request.
    pub(super) fn begin(request: &Request, route: Option<&'static str>, id: RequestId) -> Self {
        Self { method: request.method().clone(), route, id, begun: Instant::now(), ended: false }
    }

    /// Ends with its answer.
    pub(super) fn end(mut self, response: &Response) {
        self.ended = true;
        let nothing = Facts::default();
        let facts = response.extensions().get::<Facts>().unwrap_or(&nothing);
        self.write(Some(response.status()), facts, response.extensions().get::<Problem>());
    }

    /// A client may make up a method, as long as it likes.
    fn shown_method(&self) -> &str {
        Some(self.method.as_str()).filter(|name| name.len() <= MAX_METHOD).unwrap_or("(other)")
    }

    fn is_watching(&self) -> bool {
        matches!(self.route, Some("/healthz" | "/readyz" | "/metrics"))
    }

    /// `status`: none when nobody was there to be answered, be it the caller or, at the very end,
    /// ourselves.
    fn write(&self, status: Option<StatusCode>, facts: &Facts, problem: Option<&Problem>) {
        /// The level has to be a constant, the fields are always the same.
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    method = self.shown_method(),
                    route = self.route.unwrap_or("(none)"),
                    status = status.map_or(499, |status| status.as_u16()),
                    latency_ms = millis(self.begun.elapsed()),
                    request_id = self.id.as_str(),
                    token_type = facts.token_type.as_deref(),
                    provider = facts.provider.as_deref(),
                    pool = facts.pool.map(server_timing::name),
                    upstream_ms = facts.upstream.map(millis),
                    code = problem.map(|problem| problem.code.name()),
                    error = problem.and_then(|problem| problem.cause.as_deref()),
                    "{}",
                    if status.is_some() { "request" } else { "request without an answer" }
                )
            };
        }
        match problem.map(|problem| problem.code.is_alarming()) {
            Some(true) => line!(error),
            _ if status.is_some_and(|status| status.is_server_error()) => line!(warn),
            // Whoever watches asks every few seconds.
            None if self.is_watching() && status.is_some() => line!(debug),
            _ => line!(info),
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.ended {
            self.write(None, &Facts::default(), None);
        }
    }
}

/// Milliseconds with three decimals.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
