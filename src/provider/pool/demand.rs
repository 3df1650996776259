//! How many tokens were asked for lately. Times are since some fixed moment.

use std::time::Duration;

use crate::base::window::Window;

/// How far back is looked, in seconds, and so for how long a pool that keeps up with its callers can
/// go without a provider.
pub(super) const WINDOW: usize = 10;

/// What was asked for.
#[derive(Debug, Default)]
pub(super) struct Demand {
    asked: Window<WINDOW, 1>,
    last: Option<Duration>,
}

impl Demand {
    /// A token was asked for.
    pub(super) fn asked(&mut self, now: Duration) {
        self.asked.add(now, [1]);
        self.last = Some(now);
    }

    /// How many were, within the window.
    pub(super) fn lately(&self, now: Duration) -> u32 {
        let [asked] = self.asked.sums(now);
        asked
    }

    /// When the last one was.
    pub(super) fn last(&self) -> Option<Duration> {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_counts_for_ten_seconds() {
        let mut demand = Demand::default();
        let at = Duration::from_millis;
        assert_eq!((demand.lately(at(0)), demand.last()), (0, None));
        (0..5).for_each(|_| demand.asked(at(900)));
        demand.asked(at(1_000));
        assert_eq!(demand.lately(at(1_000)), 6);
        assert_eq!(demand.lately(at(9_999)), 6);
        assert_eq!(demand.lately(at(10_000)), 1);
        assert_eq!(demand.lately(at(11_000)), 0);
        demand.asked(at(21_500));
        assert_eq!((demand.lately(at(21_500)), demand.last()), (1, Some(at(21_500))));
    }
}
