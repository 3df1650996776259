//! How often, and when, a provider is asked again.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// What a retry costs. A first attempt earns 1.
const RETRY: u32 = 10;

/// The most that is saved up: ten retries.
const MOST: u32 = 10 * RETRY;

/// The longest pause before the first retry. It doubles with each.
const PAUSE: Duration = Duration::from_millis(50);

/// The longest pause of all.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// What the retries of one kind of request may cost: a tenth of the first attempts. It begins with nothing,
/// so that a provider that is down from the start is not asked more often either.
#[derive(Debug, Default)]
pub(super) struct RetryBudget(AtomicU32);

impl RetryBudget {
    /// A first attempt was made.
    pub(super) fn earn(&self) {
        let add = |saved: u32| Some((saved + 1).min(MOST));
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Whether a retry can be afforded; then it is paid for.
    pub(super) fn spend(&self) -> bool {
        let take = |saved: u32| saved.checked_sub(RETRY);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

/// How long to pause before the retry after `retries` others: anything up to a bound, so that those who
/// failed together do not come back together. `chance` is between 0 and 1.
pub(super) fn pause(retries: u32, chance: f64) -> Duration {
    (PAUSE * 2_u32.saturating_pow(retries)).min(LONGEST_PAUSE).mul_f64(chance)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ten_retries_at_most_are_saved_up() {
        let budget = RetryBudget::default();
        (0..10_000).for_each(|_| budget.earn());
        assert_eq!((0..100).filter(|_| budget.spend()).count(), 10);
    }

    #[test]
    fn pauses_grow_up_to_a_bound_and_are_anything_below() {
        let longest: Vec<_> = (0..6).map(|retries| pause(retries, 1.0).as_millis()).collect();
        assert_eq!(longest, [50, 100, 200, 400, 500, 500]);
        assert_eq!(pause(3, 0.0), Duration::ZERO);
        assert_eq!(pause(u32::MAX, 0.5), LONGEST_PAUSE / 2);
    }

    proptest! {
        #[test]
        fn retries_are_never_more_than_a_tenth(attempts in prop::collection::vec(0..4_u8, 1..2_000)) {
            let budget = RetryBudget::default();
            let mut retries = 0;
            for (before, wanted) in attempts.iter().enumerate() {
                budget.earn();
                retries += (0..*wanted).filter(|_| budget.spend()).count();
                prop_assert!(retries * 10 <= before + 1);
            }
        }
    }
}
