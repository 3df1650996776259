//! Whether a request is worth making with a key: a state machine, to which time and chance are given.
//!
//! It joins a circuit breaker, for failures, with a cooldown, for a key that is refused or limited. Closed
//! lets everyone through, open nobody until its pause is over. Times are since some fixed moment.

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::{
    base::{
        backoff::{Backoff, jitter},
        window::Window,
    },
    provider::{Invalid, ProviderError, Refusal},
    token::Minted,
};

/// So many failures one after the other open it.
const FAILURES_IN_A_ROW: u32 = 5;

/// So does half of the outcomes within the window, where there are that many at least.
const ENOUGH: u32 = 20;

/// The window, in seconds.
const WINDOW: usize = 10;

/// The first and the longest pause after failures.
const FAILURE_PAUSE: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];

/// The first and the longest pause after a refusal.
const REFUSAL_PAUSE: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(600)];

/// The pause after a limit where the provider names none.
const LIMIT_PAUSE: Duration = Duration::from_secs(5);

/// The shortest and the longest pause after a limit, whatever the provider names.
const LIMIT_BOUNDS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(300)];

/// What those are told to wait who come while a probe is under way.
const PROBING: Duration = Duration::from_secs(1);

/// Closed at first.
#[derive(Debug, Default)]
pub(super) struct Availability {
    state: State,
    /// Counts the changes of the state: an outcome says nothing of a state that began after its request.
    epoch: u32,
}

#[derive(Debug)]
enum State {
    Closed { in_a_row: u32, window: Window<WINDOW, 2> },
    Open { cause: Cause, until: Duration, backoff: Backoff, probing: bool },
}

/// Why it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The provider fails.
    Failures,
    /// The provider refuses the key.
    Refused { refusal: Refusal, status: u16 },
    /// The provider limits the rate.
    Limited,
}

/// Permission for one request, which is given back with [`Availability::leave`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Permit {
    epoch: u32,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The provider answered, and holds nothing against the key.
    Good,
    /// The provider failed.
    Failed,
    /// It refused the key.
    Refused { refusal: Refusal, status: u16 },
    /// It limits the rate, for so long if it says so.
    Limited(Option<Duration>),
    /// Nothing is known: the request was given up.
    Unknown,
}

/// What an outcome changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It opened for this pause, or stays open for another cause.
    Opened(Cause, Duration),
    /// It closed.
    Closed(Cause),
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { in_a_row: 0, window: Window::default() }
    }
}

impl Availability {
    /// Asks to make a request; what to tell whoever wants to, if it is open.
    pub(super) fn enter(&mut self, now: Duration) -> Result<Permit, ProviderError> {
        if let State::Open { cause, until, probing, .. } = &mut self.state {
            if now < *until || *probing {
                let wait = until.checked_sub(now).filter(|wait| !wait.is_zero());
                let retry_after = wait.unwrap_or(PROBING);
                return Err(match *cause {
                    Cause::Failures => ProviderError::BreakerOpen { retry_after },
                    Cause::Refused { refusal, status } => {
                        ProviderError::Refused { refusal, status }
                    }
                    Cause::Limited => ProviderError::RateLimited { retry_after: Some(retry_after) },
                });
            }
            // A limit is over when it is over: nobody has to find out.
            *probing = *cause != Cause::Limited;
        }
        Ok(Permit { epoch: self.epoch })
    }

    /// Whether it would let someone through.
    pub(super) fn is_available(&self, now: Duration) -> bool {
        match self.state {
            State::Closed { .. } => true,
            State::Open { until, probing, .. } => now >= until && !probing,
        }
    }

    /// Why it is open, if it is.
    pub(super) const fn cause(&self) -> Option<Cause> {
        match self.state {
            State::Closed { .. } => None,
            State::Open { cause, .. } => Some(cause),
        }
    }

    /// Tells what came of a request. `chance` is between 0 and 1.
    pub(super) fn leave(
        &mut self,
        permit: Permit,
        outcome: Outcome,
        now: Duration,
        chance: f64,
    ) -> Option<Change> {
        if permit.epoch != self.epoch {
            return None;
        }
        match outcome {
            Outcome::Good => self.succeeded(now),
            Outcome::Failed => self.failed(now, chance),
            Outcome::Refused { refusal, status } => {
                let [first, longest] = REFUSAL_PAUSE;
                let cause = Cause::Refused { refusal, status };
                self.open(cause, Backoff::new(first, longest), now, 1.0)
            }
            Outcome::Limited(wait) => {
                let pause = limit_pause(wait);
                self.open(Cause::Limited, Backoff::new(pause, pause), now, 1.0)
            }
            Outcome::Unknown => {
                if let State::Open { probing, .. } = &mut self.state {
                    *probing = false;
                }
                None
            }
        }
    }

    /// Opens it for what another request told of the key, unless it is open already.
    pub(super) fn refuse(&mut self, refusal: Refusal, status: u16, now: Duration) {
        if self.cause().is_none() {
            let [first, longest] = REFUSAL_PAUSE;
            let backoff = Backoff::new(first, longest);
            self.open(Cause::Refused { refusal, status }, backoff, now, 1.0);
        }
    }

    /// Closes it.
    pub(super) fn close(&mut self) {
        self.state = State::default();
        self.epoch += 1;
    }

    fn succeeded(&mut self, now: Duration) -> Option<Change> {
        match &mut self.state {
            State::Closed { in_a_row, window } => {
                *in_a_row = 0;
                window.add(now, [1, 0]);
                None
            }
            State::Open { cause, .. } => {
                let cause = *cause;
                self.close();
                Some(Change::Closed(cause))
            }
        }
    }

    fn failed(&mut self, now: Duration, chance: f64) -> Option<Change> {
        let ended = match &mut self.state {
            // It says nothing of the key: the next request is the probe.
            State::Open { cause: Cause::Refused { .. }, probing, .. } => {
                *probing = false;
                return None;
            }
            State::Open { cause: Cause::Limited, .. } => {
                self.close();
                Some(Change::Closed(Cause::Limited))
            }
            State::Open { .. } | State::Closed { .. } => None,
        };
        if let State::Closed { in_a_row, window } = &mut self.state {
            *in_a_row += 1;
            window.add(now, [1, 1]);
            let [all, failed] = window.sums(now);
            if *in_a_row < FAILURES_IN_A_ROW && (all < ENOUGH || failed * 2 < all) {
                return ended;
            }
        }
        let [first, longest] = FAILURE_PAUSE;
        self.open(Cause::Failures, Backoff::new(first, longest), now, chance)
    }

    /// Opens it, or keeps it open: for longer each time, as long as it is for a cause of the same kind.
    fn open(
        &mut self,
        cause: Cause,
        mut backoff: Backoff,
        now: Duration,
        chance: f64,
    ) -> Option<Change> {
        let before = self.cause();
        if let State::Open { cause: before, backoff: grown, .. } = self.state
            && before.is_like(cause)
            && cause != Cause::Limited
        {
            backoff = grown;
        }
        let pause = backoff.fail();
        // Replicas that lost the same provider do not all probe it at the same moment.
        let until = now + jitter(pause, chance);
        self.state = State::Open { cause, until, backoff, probing: false };
        self.epoch += 1;
        (before != Some(cause)).then_some(Change::Opened(cause, pause))
    }
}

impl Cause {
    const fn is_like(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::Failures, Self::Failures)
                | (Self::Refused { .. }, Self::Refused { .. })
                | (Self::Limited, Self::Limited)
        )
    }
}

/// How long a key is not used that is limited for `wait`.
pub(super) fn limit_pause(wait: Option<Duration>) -> Duration {
    let [least, most] = LIMIT_BOUNDS;
    wait.unwrap_or(LIMIT_PAUSE).clamp(least, most)
}

/// What a result says of the key and of the provider.
pub(super) const fn outcome(result: &Result<Minted, ProviderError>) -> Outcome {
    match result {
        // A request that is wrong is so whoever makes it.
        Ok(_) | Err(ProviderError::Refused { refusal: Refusal::Request, .. }) => Outcome::Good,
        Err(ProviderError::Refused { refusal, status }) => {
            Outcome::Refused { refusal: *refusal, status: *status }
        }
        Err(ProviderError::RateLimited { retry_after }) => Outcome::Limited(*retry_after),
        Err(ProviderError::InvalidResponse(invalid)) => match invalid {
            // An answer of its usual shape, even if it will not do: the clocks may differ.
            Invalid::Token | Invalid::Expiry | Invalid::Repeated => Outcome::Good,
            Invalid::Redirect
            | Invalid::NotHttp
            | Invalid::Truncated
            | Invalid::TooLarge
            | Invalid::NotJson => Outcome::Failed,
        },
        Err(
            ProviderError::Unreachable(_)
            | ProviderError::Unavailable { .. }
            | ProviderError::Timeout(_),
        ) => Outcome::Failed,
        Err(
            ProviderError::BreakerOpen { .. } | ProviderError::Unasked(_) | ProviderError::Died,
        ) => Outcome::Unknown,
    }
}
