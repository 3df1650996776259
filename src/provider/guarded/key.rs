//! One API key of a provider: whether it may be used, and what its use tells.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_lc_rs::digest;
use tokio::time::Instant;

use super::{
    breaker::{self, Breaker, Outcome},
    refusals::Refusals,
    rest::{self, News, Rest, Why, limited},
    verdict::{REASONS, news, outcome, reason},
};
use crate::{
    base::{chance::chance, secret::Secret},
    metrics::{Metrics, ProviderKey},
    provider::{Provider, ProviderError, Refusal},
    token::{Minted, Name},
};

/// An adapter with one API key, and what is known of the two.
pub(super) struct Keyed {
    provider: Name,
    /// Its position and the beginning of its hash: `2 (3fa4c1d2)`.
    label: String,
    adapter: Arc<dyn Provider>,
    counts: ProviderKey,
    refusals: Refusals,
    born: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    rest: Rest,
    breaker: Breaker,
}

/// One request with a key. What comes of it is told with [`Attempt::end`]; given up without, it makes
/// place for another.
pub(super) struct Attempt<'a> {
    key: &'a Keyed,
    rest: rest::Pass,
    breaker: breaker::Pass,
    /// Nobody waits for it.
    is_ahead: bool,
    told: Option<(News, Outcome)>,
}

impl Keyed {
    /// The key at `position`, from 1 on.
    pub(super) fn new(
        provider: Name,
        position: usize,
        key: &Secret,
        adapter: Arc<dyn Provider>,
        metrics: &Metrics,
        refusals: Refusals,
    ) -> Self {
        let hash = digest::digest(&digest::SHA256, key.expose().as_bytes());
        let prefix: String = hash.as_ref()[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            label: format!("{position} ({prefix})"),
            counts: metrics.provider_key(&provider, position, &REASONS),
            provider,
            adapter,
            refusals,
            born: Instant::now(),
            state: Mutex::default(),
        }
    }

    /// Asks to use it; what to tell whoever needs it, if it rests or its provider fails.
    pub(super) fn enter(&self) -> Result<Attempt<'_>, ProviderError> {
        self.enter_as(self.lock())
    }

    /// As [`Self::enter`], for a request that nobody waits for: not to find out whether the key or its
    /// provider is good again, and what goes wrong with it says nothing of either, so that no caller
    /// is refused for its sake.
    pub(super) fn enter_ahead(&self) -> Result<Attempt<'_>, ProviderError> {
        let state = self.lock();
        if !state.rest.is_well() {
            return Err(ProviderError::RateLimited { retry_after: None });
        }
        if !state.breaker.is_closed() {
            return Err(ProviderError::BreakerOpen { retry_after: Duration::ZERO });
        }
        Ok(Attempt { is_ahead: true, ..self.enter_as(state)? })
    }

    fn enter_as(&self, mut state: MutexGuard<'_, State>) -> Result<Attempt<'_>, ProviderError> {
        let now = self.born.elapsed();
        let rest = state.rest.enter(now)?;
        match state.breaker.enter(now) {
            Ok(breaker) => {
                self.counts.asked();
                Ok(Attempt { key: self, rest, breaker, is_ahead: false, told: None })
            }
            Err(retry_after) => {
                state.rest.leave(rest, News::None, now);
                Err(ProviderError::BreakerOpen { retry_after })
            }
        }
    }

    /// Whether it can be used, as far as one can tell without asking.
    pub(super) fn is_open(&self) -> bool {
        let now = self.born.elapsed();
        let state = self.lock();
        state.rest.is_open(now) && state.breaker.is_open(now)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say_rest(&self, change: rest::Change) {
        let Self { provider, label: key, .. } = self;
        self.counts.set_up(change == rest::Change::Ended);
        match change {
            rest::Change::Began(Why::Refused { refusal, status }, pause) => {
                self.refusals.add_one();
                let rests_s = pause.as_secs();
                tracing::error!(
                    %provider, key, status, rests_s, reason = %refusal,
                    "the provider refuses an API key: it rests; the others serve, if there are any"
                );
            }
            rest::Change::Began(Why::Limited, pause) => {
                let rests_s = pause.as_secs();
                tracing::warn!(
                    %provider, key, rests_s,
                    "the provider limits the rate of an API key: it rests; the others serve, if there are any"
                );
            }
            rest::Change::Ended => tracing::info!(%provider, key, "the API key is good again"),
        }
    }

    fn say_breaker(&self, change: breaker::Change) {
        let Self { provider, label: key, .. } = self;
        self.counts.set_breaker(change == breaker::Change::Opened);
        match change {
            breaker::Change::Opened => tracing::warn!(
                %provider, key, "the provider fails: it is only probed until it answers again"
            ),
            breaker::Change::Closed => tracing::info!(%provider, key, "the provider answers again"),
        }
    }
}

impl Attempt<'_> {
    /// What to ask.
    pub(super) fn adapter(&self) -> &dyn Provider {
        &*self.key.adapter
    }

    /// Tells what came of it. `known`: the very same request was good before.
    pub(super) fn end(mut self, result: &Result<Minted, ProviderError>, known: bool) {
        let mut news = news(result);
        if let Err(error) = result
            && let Some(reason) = reason(error)
        {
            self.key.counts.refused(reason);
        }
        // A key that has minted is believed more than a request that nobody has seen work: or one that
        // the provider does not take would put one key after the other to rest.
        if let News::Refused { refusal: Refusal::KeyOrRequest, .. } = news
            && !known
            && self.key.lock().rest.is_vouched()
        {
            news = News::None;
        }
        if self.is_ahead && result.is_err() {
            // But for what was minted with it, which nobody should get any more.
            if let News::Refused { .. } = news {
                self.key.refusals.add_one();
            }
            return;
        }
        self.told = Some((news, outcome(result)));
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let (news, outcome) = self.told.unwrap_or((News::None, Outcome::Unknown));
        let now = self.key.born.elapsed();
        let mut state = self.key.lock();
        let rest = state.rest.leave(self.rest, news, now);
        let breaker = state.breaker.leave(self.breaker, outcome, now, chance());
        drop(state);
        if let Some(change) = rest {
            self.key.say_rest(change);
        }
        if let Some(change) = breaker {
            self.key.say_breaker(change);
        }
    }
}

/// The error, if another key may have more luck. A limit is as long as the key will rest.
pub(super) fn of_the_key(error: ProviderError) -> Result<ProviderError, ProviderError> {
    match error {
        ProviderError::RateLimited { retry_after } => {
            Ok(ProviderError::RateLimited { retry_after: Some(limited(retry_after)) })
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
