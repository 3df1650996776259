//! Whether an API key rests: a state machine, to which time is given. Times are since some fixed
//! moment.

use std::time::Duration;

use crate::provider::{ProviderError, Refusal};

/// How long a refused key rests at first. It doubles each time that it is refused again.
const FIRST: Duration = Duration::from_secs(30);

/// How long a refused key rests at most.
const MOST: Duration = Duration::from_secs(600);

/// How long a key rests whose rate is limited, where the provider does not say.
const LIMITED: Duration = Duration::from_secs(5);

/// How long it rests at least and at most, whatever the provider says.
const LIMITED_BOUNDS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(300)];

/// Whether a key rests; at first it does not.
#[derive(Debug, Default)]
pub(super) struct Rest {
    state: State,
    /// Counts the changes of the state: an answer says nothing of a state that began after its request.
    epoch: u32,
    /// It has minted, and was not refused since.
    vouched: bool,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Good,
    Resting {
        why: Why,
        until: Duration,
        pause: Duration,
        probing: bool,
    },
}

/// Why a key rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The provider refuses it.
    Refused { refusal: Refusal, status: u16 },
    /// The provider limits its rate.
    Limited,
}

/// Permission for one request. Every one is to be given back with [`Rest::leave`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    epoch: u32,
    probe: bool,
}

/// What a request says of its key.
#[derive(Clone, Copy, Debug)]
pub(super) enum News {
    /// It is good.
    Good,
    /// It is not.
    Refused { refusal: Refusal, status: u16 },
    /// It may not be used for so long.
    Limited(Option<Duration>),
    /// Nothing.
    None,
}

/// What the news changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It rests, which it did not before, or for another reason.
    Began(Why, Duration),
    /// It is good again.
    Ended,
}

impl Rest {
    /// Asks to use the key; what to tell whoever needs it, if it rests.
    pub(super) fn enter(&mut self, now: Duration) -> Result<Pass, ProviderError> {
        let epoch = self.epoch;
        match &mut self.state {
            State::Good => Ok(Pass { epoch, probe: false }),
            State::Resting { why: Why::Limited, until, .. } => {
                if now < *until {
                    return Err(ProviderError::RateLimited { retry_after: Some(*until - now) });
                }
                Ok(Pass { epoch, probe: false })
            }
            State::Resting { why: Why::Refused { refusal, status }, until, probing, .. } => {
                if now < *until || *probing {
                    return Err(ProviderError::Refused { refusal: *refusal, status: *status });
                }
                *probing = true;
                Ok(Pass { epoch, probe: true })
            }
        }
    }

    /// Whether it would let someone in.
    pub(super) fn is_open(&self, now: Duration) -> bool {
        match self.state {
            State::Good => true,
            State::Resting { until, probing, .. } => now >= until && !probing,
        }
    }

    /// Whether nothing is known against it.
    pub(super) fn is_well(&self) -> bool {
        matches!(self.state, State::Good)
    }

    /// Whether it has minted, and was not refused since.
    pub(super) fn is_vouched(&self) -> bool {
        self.vouched
    }

    /// Tells what came of a request.
    pub(super) fn leave(&mut self, pass: Pass, news: News, now: Duration) -> Option<Change> {
        if pass.epoch != self.epoch {
            return None;
        }
        if let State::Resting { probing, .. } = &mut self.state
            && pass.probe
        {
            *probing = false;
        }
        match news {
            News::None => None,
            News::Good => {
                self.vouched = true;
                let rested = matches!(self.state, State::Resting { .. });
                rested.then(|| {
                    self.state = State::Good;
                    self.epoch += 1;
                    Change::Ended
                })
            }
            News::Refused { refusal, status } => {
                self.vouched = false;
                let pause = match self.state {
                    State::Resting { why: Why::Refused { .. }, pause, .. } => (pause * 2).min(MOST),
                    State::Resting { .. } | State::Good => FIRST,
                };
                self.rest(Why::Refused { refusal, status }, pause, now)
            }
            News::Limited(wait) => self.rest(Why::Limited, limited(wait), now),
        }
    }

    fn rest(&mut self, why: Why, pause: Duration, now: Duration) -> Option<Change> {
        let before = std::mem::replace(
            &mut self.state,
            State::Resting { why, until: now + pause, pause, probing: false },
        );
        self.epoch += 1;
        let same = matches!(before, State::Resting { why: before, .. } if before == why);
        (!same).then_some(Change::Began(why, pause))
    }
}

/// How long a key rests that the provider wants to rest for `wait`.
pub(super) fn limited(wait: Option<Duration>) -> Duration {
    let [least, most] = LIMITED_BOUNDS;
    wait.unwrap_or(LIMITED).clamp(least, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: Why = Why::Refused { refusal: Refusal::Key, status: 401 };
    const NO: News = News::Refused { refusal: Refusal::Key, status: 401 };

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn run(rest: &mut Rest, now: Duration, news: News) -> Option<Change> {
        let pass = rest.enter(now).expect("it does not rest");
        rest.leave(pass, news, now)
    }

    #[test]
    fn a_refused_key_rests_longer_each_time_and_is_tried_by_one() {
        let mut rest = Rest::default();
        assert_eq!(run(&mut rest, at(0), NO), Some(Change::Began(REFUSED, FIRST)));
        let mut now = at(0);
        for pause in [30, 60, 120, 240, 480, 600, 600] {
            assert!(rest.enter(now + at(pause) - Duration::from_millis(1)).is_err());
            now += at(pause);
            let probe = rest.enter(now).expect("it is tried again");
            let error = rest.enter(now).unwrap_err();
            assert!(matches!(error, ProviderError::Refused { status: 401, .. }), "{error}");
            assert_eq!(rest.leave(probe, NO, now), None, "it was said before");
        }
        now += MOST;
        let probe = rest.enter(now).unwrap();
        assert_eq!(rest.leave(probe, News::None, now), None);
        let probe = rest.enter(now).expect("the place was given back");
        assert_eq!(rest.leave(probe, News::Good, now), Some(Change::Ended));
        assert_eq!(run(&mut rest, now, NO), Some(Change::Began(REFUSED, FIRST)), "it begins anew");
    }

    #[test]
    fn a_limited_key_rests_as_long_as_it_is_told_to_within_sense() {
        for (told, rests) in [
            (None, 5),
            (Some(Duration::ZERO), 1),
            (Some(at(7)), 7),
            (Some(at(301)), 300),
            (Some(Duration::MAX), 300),
        ] {
            let mut rest = Rest::default();
            let began = Change::Began(Why::Limited, at(rests));
            assert_eq!(run(&mut rest, at(10), News::Limited(told)), Some(began));
            let error = rest.enter(at(10)).unwrap_err();
            let ProviderError::RateLimited { retry_after } = error else { panic!("{error}") };
            assert_eq!(retry_after, Some(at(rests)));
            assert_eq!(run(&mut rest, at(10 + rests), News::Limited(told)), None, "the same again");
            let now = at(10 + 2 * rests);
            assert!(rest.enter(now).is_ok() && rest.enter(now).is_ok(), "nobody probes a limit");
            assert_eq!(run(&mut rest, now, News::Good), Some(Change::Ended));
        }
    }

    #[test]
    fn what_began_before_a_rest_says_nothing_of_it() {
        let mut rest = Rest::default();
        let early: Vec<_> = (0..3).map(|_| rest.enter(at(0)).unwrap()).collect();
        run(&mut rest, at(0), NO);
        for (pass, news) in early.into_iter().zip([NO, News::Good, News::Limited(None)]) {
            assert_eq!(rest.leave(pass, news, at(1)), None);
        }
        assert!(rest.enter(at(29)).is_err());
        assert!(rest.enter(at(30)).is_ok());
    }

    #[test]
    fn a_key_is_vouched_for_until_it_is_refused() {
        let mut rest = Rest::default();
        assert!(!rest.is_vouched());
        run(&mut rest, at(0), News::Good);
        assert!(rest.is_vouched());
        run(&mut rest, at(0), News::Limited(None));
        assert!(rest.is_vouched());
        run(&mut rest, at(5), NO);
        assert!(!rest.is_vouched());
    }
}
