//! Exponential backoff.

use std::time::Duration;

/// The pause before the next attempt: it doubles with each failure, up to a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    /// A backoff whose first pause is `first`, and whose longest is `longest`.
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// An attempt failed: the pause before the next one.
    pub fn fail(&mut self) -> Duration {
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.longest);
        pause
    }

    /// An attempt succeeded: the next pause is the first one again.
    pub const fn reset(&mut self) {
        self.next = self.first;
    }
}

/// Shortens `pause` by up to a quarter, so that replicas that failed together do not come back together.
/// `chance` is between 0 and 1.
pub fn jitter(pause: Duration, chance: f64) -> Duration {
    pause.mul_f64(0.75 + chance / 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_bound_and_begin_anew_after_a_success() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(5));
        let mut pauses = || [(); 5].map(|()| backoff.fail().as_secs());
        assert_eq!(pauses(), [1, 2, 4, 5, 5]);
        backoff.reset();
        assert_eq!(backoff.fail().as_secs(), 1);
    }

    #[test]
    fn a_pause_without_bound_does_not_overflow() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::MAX);
        for _ in 0..100 {
            backoff.fail();
        }
        assert_eq!(backoff.fail(), Duration::MAX);
    }

    #[test]
    fn jitter_takes_away_a_quarter_at_most() {
        let pause = Duration::from_secs(4);
        assert_eq!((jitter(pause, 0.0), jitter(pause, 1.0)), (pause * 3 / 4, pause));
    }
}
