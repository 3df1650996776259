//! What becomes known of a request for a token, for all who want to know: the caller, the log, the
//! audit and the metrics.

use std::{net::IpAddr, time::Instant};

use axum::{
    http::request::Parts,
    response::{IntoResponse as _, Response},
};

use futures_util::{FutureExt as _, future::BoxFuture};

use super::{
    access_log,
    problem::{Code, Problem},
    rate_limit,
    request_id::RequestId,
    server_timing, visitor,
};
use crate::{
    app::App,
    audit::Record,
    error::Error,
    limit::{Exceeded, Standing},
    metrics::{MintOutcome, Mode},
    vending::{Admission, Facts, Vended},
};

/// The report of one request. However it ends, it is recorded, and once.
pub(super) struct Report {
    app: App,
    begun: Instant,
    record: Record,
    standings: Vec<Standing>,
    line: access_log::Facts,
}

impl Report {
    /// Begins with what is known from the start.
    pub(super) fn begin(app: &App, parts: &Parts, route: &'static str, client: IpAddr) -> Self {
        let id = parts.extensions.get::<RequestId>().map_or("-", RequestId::as_str);
        let mut record = app.audit().begin(id, route, client);
        if let Some(origin) = visitor::origin(parts) {
            record.origin(origin);
        }
        let (standings, line) = (Vec::new(), access_log::Facts::default());
        Self { app: app.clone(), begun: Instant::now(), record, standings, line }
    }

    /// Who asks, and under what limits.
    pub(super) fn admission(&mut self, admission: &mut Admission) {
        if let Some(caller) = &admission.caller {
            self.record.caller(caller.via.name(), caller.id.clone(), caller.issuer.clone());
        }
        self.standings.append(&mut admission.counted.standings);
        self.observed(&admission.counted.observed);
        if let Err(error) = &admission.admitted {
            self.error(error);
        }
    }

    /// What is recorded of it.
    pub(super) fn record(&mut self) -> &mut Record {
        &mut self.record
    }

    /// Why there is no token.
    pub(super) fn error(&self, error: &Error) {
        if let Error::Exceeded(it) = error {
            self.app.metrics().refused(it.policy, Mode::Enforce);
        }
    }

    /// What was decided, and what it took.
    pub(super) fn facts(&mut self, facts: Facts<'_>, result: &Result<Vended<'_>, Error>) {
        if let (Some(token_type), Some(took)) = (facts.token_type, facts.upstream) {
            let outcome = MintOutcome::of(result, Error::minted_nothing);
            self.app.metrics().minted(&token_type.provider, took, outcome);
            self.record.upstream(took);
        }
        self.line = access_log::Facts::of(&facts);
        self.observed(&facts.counted.observed);
        // Those of the address are among them again, as they are by now.
        if !facts.counted.standings.is_empty() {
            self.standings = facts.counted.standings;
        }
    }

    fn observed(&mut self, exceeded: &[Exceeded]) {
        for it in exceeded {
            self.app.metrics().refused(it.policy, Mode::Observe);
            tracing::info!(limit = it.policy, part = it.part.name(), "observed: would be refused");
        }
        self.record.observed(exceeded.iter().map(|it| it.policy).collect());
    }

    /// Ends with the token in `response`: if it can be recorded.
    pub(super) fn vended(self, mut response: Response) -> impl Future<Output = Response> {
        let headers = response.headers_mut();
        // For all that are still to come: a map that grows is made anew.
        headers.reserve(10);
        if let Some(timing) = self.line.server_timing(self.begun.elapsed()) {
            headers.insert(server_timing::HEADER, timing);
        }
        self.end("vended", response)
    }

    /// Ends with a token that nobody waits for any more. The record says so when it is dropped.
    pub(super) fn abandoned(self) -> Response {
        self.app.metrics().decided(self.line.token_type(), "abandoned");
        ().into_response()
    }

    /// Ends with no token.
    pub(super) fn refused(mut self, problem: Problem) -> impl Future<Output = Response> {
        if let Some(cause) = &problem.cause {
            self.record.reason(&**cause);
        }
        let name = problem.code.name();
        self.end(name, problem.into_response())
    }

    /// Boxed: what waits for this waits much longer for the provider before it.
    fn end(self, outcome: &'static str, response: Response) -> BoxFuture<'static, Response> {
        self.record_and_count(outcome, response).boxed()
    }

    async fn record_and_count(self, mut outcome: &'static str, mut response: Response) -> Response {
        if let Err(unrecorded) = self.record.finish(outcome).await {
            outcome = Code::AuditUnavailable.name();
            self.app.metrics().audit_failed();
            // No token without a record. Of a refusal, too, the answer is what the record will say.
            let problem = Problem::new(Code::AuditUnavailable);
            response = problem.because(unrecorded.to_string()).into_response();
        }
        self.app.metrics().decided(self.line.token_type(), outcome);
        rate_limit::add(&self.standings, response.headers_mut());
        response.extensions_mut().insert(self.line);
        response
    }
}
