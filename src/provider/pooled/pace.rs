//! How fast a pool is filled: as many mints at once as may be, and few and seldom after a failure.
//! Times are since some fixed moment.

use std::time::Duration;

/// How long the first pause is. It doubles with every failure that follows.
const FIRST: Duration = Duration::from_secs(1);

/// The longest pause, but where the provider wants a longer one.
const LONGEST: Duration = Duration::from_secs(60);

/// The longest pause of all, whatever the provider says.
const LONGEST_WANTED: Duration = Duration::from_secs(600);

/// The pace.
#[derive(Debug)]
pub(super) struct Pace {
    most: u32,
    /// How many mints may be under way.
    window: u32,
    failures: u32,
    not_before: Duration,
    /// Until when the provider wants to be left alone.
    wanted_until: Duration,
    /// Counts the pauses: a mint that began before one says nothing of what is after it.
    epoch: u32,
}

/// When a mint began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Begun(u32);

impl Pace {
    /// At `most` so many at once.
    pub(super) fn new(most: u32) -> Self {
        let (not_before, wanted_until) = (Duration::ZERO, Duration::ZERO);
        Self { most, window: most, failures: 0, not_before, wanted_until, epoch: 0 }
    }

    /// How many mints may be under way.
    pub(super) fn window(&self, now: Duration) -> u32 {
        if now < self.not_before { 0 } else { self.window }
    }

    /// Until when there is a pause, if there is one.
    pub(super) fn pauses_until(&self, now: Duration) -> Option<Duration> {
        (now < self.not_before).then_some(self.not_before)
    }

    /// A mint begins.
    pub(super) fn begin(&self) -> Begun {
        Begun(self.epoch)
    }

    /// A mint gave a token. After a failure each allows for one more at once.
    pub(super) fn succeeded(&mut self, begun: Begun) {
        if begun.0 == self.epoch {
            self.failures = 0;
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
        if begun.0 != self.epoch {
            return;
        }
        let own = (FIRST * 2_u32.saturating_pow(self.failures)).min(LONGEST);
        let wanted = wanted.unwrap_or_default().min(LONGEST_WANTED);
        // Later than anyone who was told to wait comes back, so that callers find out first whether
        // the provider is there again; and replicas not all at once.
        self.not_before = now + own.max(wanted).mul_f64(1.0 + chance / 4.0);
        self.wanted_until = now + wanted;
        self.failures += 1;
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

    #[test]
    fn pauses_double_and_those_who_fail_together_count_once() {
        let mut pace = Pace::new(8);
        let together = [pace.begin(); 8];
        together.into_iter().for_each(|begun| pace.failed(begun, at(0), None, 0.0));
        let (mut now, mut pauses) = (at(0), Vec::new());
        for _ in 0..8 {
            let until = pace.pauses_until(now).expect("there is a pause");
            assert_eq!(pace.window(until - Duration::from_millis(1)), 0);
            pauses.push((until - now).as_secs());
            now = until;
            assert_eq!((pace.window(now), pace.pauses_until(now)), (1, None), "one tries");
            pace.failed(pace.begin(), now, None, 0.0);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn after_a_success_it_goes_faster_step_by_step() {
        let mut pace = Pace::new(3);
        assert_eq!(pace.window(at(0)), 3, "nothing failed yet");
        let early = pace.begin();
        pace.failed(early, at(0), None, 0.0);
        pace.succeeded(early);
        assert_eq!(pace.window(at(1)), 1, "it began before the pause");
        let windows = [(); 3].map(|()| {
            pace.succeeded(pace.begin());
            pace.window(at(1))
        });
        assert_eq!(windows, [2, 3, 3]);
        pace.failed(pace.begin(), at(1), None, 0.0);
        assert_eq!(pace.pauses_until(at(1)), Some(at(2)), "the pauses begin anew");
    }

    #[test]
    fn a_pause_ends_when_callers_succeed_unless_the_provider_wants_it() {
        let mut pace = Pace::new(1);
        assert!(!pace.others_succeed(at(0)));
        for _ in 0..4 {
            pace.failed(pace.begin(), at(0), None, 0.0);
        }
        assert_eq!(pace.pauses_until(at(0)), Some(at(8)));
        assert!(pace.others_succeed(at(1)));
        assert_eq!((pace.pauses_until(at(1)), pace.window(at(1))), (None, 1), "one tries");
        pace.failed(pace.begin(), at(1), Some(at(5)), 0.0);
        assert!(pace.others_succeed(at(2)));
        assert_eq!(pace.pauses_until(at(2)), Some(at(6)));
    }

    #[test]
    fn what_the_provider_wants_is_the_least() {
        let pause = |wanted: Duration, chance| {
            let mut pace = Pace::new(1);
            pace.failed(pace.begin(), at(0), Some(wanted), chance);
            pace.pauses_until(at(0)).unwrap()
        };
        assert_eq!(pause(at(40), 0.0), at(40));
        assert_eq!(pause(at(40), 1.0), at(50));
        assert_eq!(pause(Duration::ZERO, 0.0), FIRST);
        assert_eq!(pause(Duration::MAX, 0.0), LONGEST_WANTED);
    }
}
