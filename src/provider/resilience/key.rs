//! One API key of a provider, and one request with it.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest;

use super::{
    Resilience,
    availability::{Cause, Change, Outcome, Permit, limit_pause, outcome},
    request::RequestState,
};
use crate::{
    base::{hex::Hex, secret::Secret},
    metrics::{Metrics, ProviderKey},
    provider::{Provider, ProviderError, Refusal},
    token::{Minted, Name},
};

/// The reasons for which a key is refused, for the metrics.
const REASONS: [&str; 6] =
    ["key", "key_or_request", "credit", "permission", "credit_or_permission", LIMITED];

const LIMITED: &str = "rate_limited";

/// An adapter with one API key.
pub(super) struct ApiKey {
    /// Its position and the beginning of its hash: `2 (3fa4c1d2)`.
    pub(super) label: String,
    pub(super) adapter: Arc<dyn Provider>,
    pub(super) counts: ProviderKey,
}

impl ApiKey {
    /// The key at `position`, from 1 on.
    pub(super) fn new(
        provider: &Name,
        position: usize,
        key: &Secret,
        adapter: Arc<dyn Provider>,
        metrics: &Metrics,
    ) -> Self {
        let hash = digest::digest(&digest::SHA256, key.expose().as_bytes());
        Self {
            label: format!("{position} ({})", Hex(&hash.as_ref()[..4])),
            counts: metrics.provider_key(provider, position, &REASONS),
            adapter,
        }
    }
}

/// One request with a key. What comes of it is told with [`Attempt::end`]; given up without, it makes
/// place for another.
pub(super) struct Attempt<'a> {
    pub(super) resilience: &'a Resilience,
    pub(super) request: &'a RequestState,
    /// The place of the key.
    pub(super) key: usize,
    pub(super) permit: Permit,
    /// Nobody waits for it.
    pub(super) is_prefetch: bool,
    pub(super) outcome: Outcome,
}

impl Attempt<'_> {
    /// The key that it is made with.
    pub(super) fn key(&self) -> &ApiKey {
        &self.resilience.keys[self.key]
    }

    /// Tells what came of it.
    pub(super) fn end(mut self, result: &Result<Minted, ProviderError>) {
        let outcome = outcome(result);
        if let Some(reason) = result.as_ref().err().and_then(reason) {
            self.key().counts.refused(reason);
        }
        if result.is_ok() {
            self.request.set_known(self.key);
        }
        if self.is_prefetch && result.is_err() {
            // But for what was minted with the key, which nobody should get any more.
            if self.request.is_known(self.key) && is_of_the_key(outcome) {
                self.resilience.refusals.add_one();
            }
            return;
        }
        self.outcome = outcome;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let (now, chance) = (self.resilience.now(), (self.resilience.chance)());
        let mut availability = self.request.availability(self.key);
        let change = availability.leave(self.permit, self.outcome, now, chance);
        drop(availability);
        if let Some(change) = change {
            self.resilience.changed(self.request, self.key, change);
        }
    }
}

impl Resilience {
    /// Takes in that a request of this kind is refused, fails, or is good again with the key at `place`.
    pub(super) fn changed(&self, request: &RequestState, place: usize, change: Change) {
        match change {
            // Such a request was good before, so that it is the key that is wrong: whatever is asked with it.
            Change::Opened(Cause::Refused { refusal, status }, _)
                if request.is_known(place) && is_key(refusal) =>
            {
                let now = self.now();
                for other in self.requests.all() {
                    other.availability(place).refuse(refusal, status, now);
                }
                self.refusals.add_one();
            }
            // The key is good again: the other requests find out for themselves.
            Change::Closed(Cause::Refused { refusal, .. })
                if request.is_known(place) && is_key(refusal) =>
            {
                for other in self.requests.all() {
                    let mut availability = other.availability(place);
                    if let Some(Cause::Refused { refusal, .. }) = availability.cause()
                        && is_key(refusal)
                    {
                        availability.close();
                    }
                }
            }
            Change::Opened(..) | Change::Closed(_) => (),
        }
        self.count(place, change);
        self.log(request, place, change);
    }

    fn count(&self, place: usize, change: Change) {
        let causes: Vec<_> = self
            .requests
            .all()
            .iter()
            .filter_map(|request| request.availability(place).cause())
            .collect();
        let counts = &self.keys[place].counts;
        counts.set_up(causes.iter().all(|cause| *cause == Cause::Failures));
        if let Change::Opened(Cause::Failures, _) = change {
            counts.breaker_opened();
        }
        counts.set_breaker(causes.contains(&Cause::Failures));
    }

    fn log(&self, request: &RequestState, place: usize, change: Change) {
        let (provider, key) = (&self.name, &self.keys[place].label);
        let (product, ttl_s) = (request.product, request.ttl);
        match change {
            Change::Opened(Cause::Refused { refusal, status }, pause) => tracing::error!(
                %provider, key, product, ttl_s, status, rests_s = pause.as_secs(), reason = %refusal,
                "the provider refuses an API key: it rests; the others serve, if there are any"
            ),
            Change::Opened(Cause::Limited, pause) => tracing::warn!(
                %provider, key, product, ttl_s, rests_s = pause.as_secs(),
                "the provider limits the rate of an API key: it rests; the others serve, if there are any"
            ),
            Change::Opened(Cause::Failures, _) => tracing::warn!(
                %provider, key, product, ttl_s,
                "the provider fails: it is only probed until it answers again"
            ),
            Change::Closed(Cause::Failures) => {
                tracing::info!(%provider, key, product, ttl_s, "the provider answers again");
            }
            Change::Closed(_) => {
                tracing::info!(%provider, key, product, ttl_s, "the API key is good again");
            }
        }
    }
}

/// Whether the key itself is refused, and not what is asked for.
const fn is_key(refusal: Refusal) -> bool {
    matches!(refusal, Refusal::Key | Refusal::KeyOrRequest)
}

const fn is_of_the_key(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Refused { refusal, .. } if is_key(refusal))
}

/// The error, if another key may have more luck. A limit is as long as the key will rest.
pub(super) fn of_the_key(error: ProviderError) -> Result<ProviderError, ProviderError> {
    match error {
        ProviderError::RateLimited { retry_after } => {
            Ok(ProviderError::RateLimited { retry_after: Some(limit_pause(retry_after)) })
        }
        ProviderError::Refused { refusal, .. } if refusal != Refusal::Request => Ok(error),
        other => Err(other),
    }
}

/// The most helpful of the reasons for which no key can be used: one that passes, and soonest; else the
/// last.
pub(super) fn most_helpful(
    reasons: impl IntoIterator<Item = ProviderError>,
) -> Option<ProviderError> {
    reasons.into_iter().reduce(|one, other| match (wait(&one), wait(&other)) {
        (Some(first), Some(second)) if first <= second => one,
        (Some(_), None) => one,
        _ => other,
    })
}

fn wait(error: &ProviderError) -> Option<Duration> {
    match error {
        ProviderError::BreakerOpen { retry_after } => Some(*retry_after),
        ProviderError::RateLimited { retry_after } => *retry_after,
        _ => None,
    }
}

/// Why a key was refused, for the metrics.
const fn reason(error: &ProviderError) -> Option<&'static str> {
    match error {
        ProviderError::Refused { refusal, .. } => match refusal {
            Refusal::Key => Some("key"),
            Refusal::KeyOrRequest => Some("key_or_request"),
            Refusal::Credit => Some("credit"),
            Refusal::Permission => Some("permission"),
            Refusal::CreditOrPermission => Some("credit_or_permission"),
            Refusal::Request => None,
        },
        ProviderError::RateLimited { .. } => Some(LIMITED),
        ProviderError::InvalidResponse(_)
        | ProviderError::Unreachable(_)
        | ProviderError::Unavailable { .. }
        | ProviderError::BreakerOpen { .. }
        | ProviderError::Unasked(_)
        | ProviderError::Timeout(_)
        | ProviderError::Died => None,
    }
}
