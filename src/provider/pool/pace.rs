//! How fast a pool is filled: by as many mints at once as keep up with its callers, and by few and seldom
//! after a failure. Times are since some fixed moment.

use std::time::Duration;

use super::demand::WINDOW;
use crate::base::backoff::Backoff;

/// How long the first pause is. It doubles with every failure that follows.
const FIRST: Duration = Duration::from_secs(1);

/// The longest pause, but where the provider wants a longer one.
const LONGEST: Duration = Duration::from_secs(60);

/// The longest pause of all, whatever the provider says.
const LONGEST_WANTED: Duration = Duration::from_secs(600);

/// What is missing is to be there within so long.
const CATCH_UP: f64 = 1.0;

/// How many more mints there are than what callers and the provider's time ask for: both vary.
const HEADROOM: f64 = 1.25;

/// The most mints at once while it is not known how long one takes.
const AT_FIRST: u32 = 8;

/// How much a mint counts for in the mean of their times.
const WEIGHT: f64 = 0.125;

/// The pace.
#[derive(Debug)]
pub(super) struct Pace {
    most: u32,
    /// How many mints may be under way since the last failure.
    window: u32,
    backoff: Backoff,
    /// How long a mint takes, in seconds, once that is known.
    mean: Option<f64>,
    not_before: Duration,
    /// Until when the provider wants to be left alone.
    wanted_until: Duration,
    /// Counts the pauses: a mint that began before one says nothing of what is after it.
    epoch: u32,
}

/// When a mint began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Begun {
    epoch: u32,
    at: Duration,
}

impl Pace {
    /// At `most` so many at once.
    pub(super) fn new(most: u32) -> Self {
        let (not_before, wanted_until) = (Duration::ZERO, Duration::ZERO);
        let backoff = Backoff::new(FIRST, LONGEST);
        Self { most, window: most, backoff, mean: None, not_before, wanted_until, epoch: 0 }
    }

    /// How many mints may be under way, where `lately` tokens were asked for within the window and
    /// `missing` are missing: as many as arrive while one is made (Little's law).
    pub(super) fn window(&self, now: Duration, lately: u32, missing: u32) -> u32 {
        if now < self.not_before {
            return 0;
        }
        let Some(mean) = self.mean else { return self.window.min(AT_FIRST) };
        let per_second = f64::from(lately) / WINDOW as f64 + f64::from(missing) / CATCH_UP;
        let needed = (per_second * mean * HEADROOM).ceil();
        // A cast from float saturates.
        self.window.min((needed as u32).max(1))
    }

    /// Until when there is a pause, if there is one.
    pub(super) fn pauses_until(&self, now: Duration) -> Option<Duration> {
        (now < self.not_before).then_some(self.not_before)
    }

    /// A mint begins.
    pub(super) fn begin(&self, now: Duration) -> Begun {
        Begun { epoch: self.epoch, at: now }
    }

    /// A mint gave a token. After a failure each allows for one more at once.
    pub(super) fn succeeded(&mut self, begun: Begun, now: Duration) {
        let took = now.saturating_sub(begun.at).as_secs_f64();
        self.mean = Some(self.mean.map_or(took, |mean| mean + (took - mean) * WEIGHT));
        if begun.epoch == self.epoch {
            self.backoff.reset();
            self.window = (self.window + 1).min(self.most);
        }
    }

    /// A caller got a token from the provider: there is no more reason for a pause, but the provider's
    /// own wish. Whether there was one.
    pub(super) fn others_succeed(&mut self, now: Duration) -> bool {
        let paused = now < self.not_before;
        self.not_before = self.not_before.min(self.wanted_until.max(now));
        paused
    }

    /// A mint gave none. `wanted`: how long the provider wants to be left alone. `chance` is between 0
    /// and 1.
    pub(super) fn failed(
        &mut self,
        begun: Begun,
        now: Duration,
        wanted: Option<Duration>,
        chance: f64,
    ) {
        if begun.epoch != self.epoch {
            return;
        }
        let own = self.backoff.fail();
        let wanted = wanted.unwrap_or_default().min(LONGEST_WANTED);
        // Later than anyone who was told to wait comes back, so that callers find out first whether
        // the provider is there again; and replicas not all at once.
        self.not_before = now + own.max(wanted).mul_f64(1.0 + chance / 4.0);
        self.wanted_until = now + wanted;
        self.window = 1;
        self.epoch += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// How many mints may be under way where callers ask for more than anyone can make.
    fn window(pace: &Pace, now: Duration) -> u32 {
        pace.window(now, u32::MAX, u32::MAX)
    }

    #[test]
    fn pauses_double_and_those_who_fail_together_count_once() {
        let mut pace = Pace::new(8);
        let together = [pace.begin(at(0)); 8];
        together.into_iter().for_each(|begun| pace.failed(begun, at(0), None, 0.0));
        let (mut now, mut pauses) = (at(0), Vec::new());
        for _ in 0..8 {
            let until = pace.pauses_until(now).expect("there is a pause");
            assert_eq!(window(&pace, until - Duration::from_millis(1)), 0);
            pauses.push((until - now).as_secs());
            now = until;
            assert_eq!((window(&pace, now), pace.pauses_until(now)), (1, None), "one tries");
            pace.failed(pace.begin(at(0)), now, None, 0.0);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn after_a_success_it_goes_faster_step_by_step() {
        let mut pace = Pace::new(3);
        assert_eq!(window(&pace, at(0)), 3, "nothing failed yet");
        let early = pace.begin(at(0));
        pace.failed(early, at(0), None, 0.0);
        pace.succeeded(early, at(1));
        assert_eq!(window(&pace, at(1)), 1, "it began before the pause");
        let windows = [(); 3].map(|()| {
            pace.succeeded(pace.begin(at(0)), at(1));
            window(&pace, at(1))
        });
        assert_eq!(windows, [2, 3, 3]);
        pace.failed(pace.begin(at(0)), at(1), None, 0.0);
        assert_eq!(pace.pauses_until(at(1)), Some(at(2)), "the pauses begin anew");
    }

    #[test]
    fn a_pause_ends_when_callers_succeed_unless_the_provider_wants_it() {
        let mut pace = Pace::new(1);
        assert!(!pace.others_succeed(at(0)));
        for _ in 0..4 {
            pace.failed(pace.begin(at(0)), at(0), None, 0.0);
        }
        assert_eq!(pace.pauses_until(at(0)), Some(at(8)));
        assert!(pace.others_succeed(at(1)));
        assert_eq!((pace.pauses_until(at(1)), window(&pace, at(1))), (None, 1), "one tries");
        pace.failed(pace.begin(at(0)), at(1), Some(at(5)), 0.0);
        assert!(pace.others_succeed(at(2)));
        assert_eq!(pace.pauses_until(at(2)), Some(at(6)));
    }

    #[test]
    fn what_the_provider_wants_is_the_least() {
        let pause = |wanted: Duration, chance| {
            let mut pace = Pace::new(1);
            pace.failed(pace.begin(at(0)), at(0), Some(wanted), chance);
            pace.pauses_until(at(0)).unwrap()
        };
        assert_eq!(pause(at(40), 0.0), at(40));
        assert_eq!(pause(at(40), 1.0), at(50));
        assert_eq!(pause(Duration::ZERO, 0.0), FIRST);
        assert_eq!(pause(Duration::MAX, 0.0), LONGEST_WANTED);
    }

    #[test]
    fn as_many_are_under_way_as_keep_up_with_callers() {
        let mut pace = Pace::new(64);
        assert_eq!(
            pace.window(at(0), 10_000, 10_000),
            AT_FIRST,
            "it is not known what a mint takes"
        );
        let took = |pace: &mut Pace, millis| {
            pace.succeeded(pace.begin(at(1)), at(1) + Duration::from_millis(millis));
        };
        took(&mut pace, 150);
        for (lately, missing, expected) in
            [(0, 1, 1), (10, 1, 1), (1_920, 0, 36), (1_920, 100, 55), (1_920, 1_920, 64)]
        {
            assert_eq!(pace.window(at(2), lately, missing), expected, "{lately} {missing}");
        }
        // A provider that becomes slower is asked for more at once, and the other way round.
        (0..40).for_each(|_| took(&mut pace, 1_000));
        assert_eq!(pace.window(at(2), 100, 0), 13);
        (0..40).for_each(|_| took(&mut pace, 10));
        assert_eq!(pace.window(at(2), 100, 0), 1);
    }
}
