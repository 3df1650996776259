//! The rate: the generic cell rate algorithm, which is a token bucket that needs no clock of its own.
//!
//! A bucket holds a debt, measured in time: each admission adds one interval (`per / count`), time
//! pays it off, and no more than `burst` intervals may be owed. So in any span of time no more is
//! admitted than `burst + span / interval`. The debt is kept as the moment when it will be paid,
//! the theoretical arrival time (TAT).
//!
//! Pure: the state, the time and the rate come in, the next state goes out. Times are microseconds
//! since some beginning; `script.lua` does the same in doubles, which hold them exactly up to 2^53.

use std::time::Duration;

use crate::settings::Rate;

/// The longest debt, in microseconds: 142 years. It bounds what a burst can be at the slowest rates
/// (52,000 at 1/d), so that a time in Redis stays an exact number.
const LONGEST: u64 = 1 << 52;

/// A rate, as the algorithm needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    /// What one admission costs. Rounded up to whole microseconds, so that a rate is never above
    /// what was set; below 10,000/s it is within 1 % of it.
    pub(super) interval: u64,
    /// The most that may be owed: `burst` intervals.
    pub(super) capacity: u64,
}

/// A bucket. The default one owes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bucket {
    /// When the debt will be paid; in the past when there is none.
    pub(super) tat: u64,
    /// When last the debt was below one interval, or some of it was given back. What was spent
    /// since is still owed in full.
    pub(super) low: u64,
}

impl From<Rate> for Pace {
    fn from(rate: Rate) -> Self {
        let per = micros(rate.per).clamp(1, LONGEST);
        let interval = per.div_ceil(u64::from(rate.count.max(1)));
        let burst = u64::from(rate.burst.max(1)).min(LONGEST / interval);
        Self { interval, capacity: interval * burst }
    }
}

impl Pace {
    /// How many at once after a rest.
    pub(super) fn burst(self) -> u64 {
        self.capacity / self.interval
    }
}

impl Bucket {
    /// How long until it owes nothing.
    pub(super) fn debt(self, pace: Pace, now: u64) -> u64 {
        // More than all there can be was owed at a lower rate, or by a clock that was set back.
        self.tat.saturating_sub(now).min(pace.capacity)
    }

    /// How long until one more is admitted; 0 for now.
    pub(super) fn wait(self, pace: Pace, now: u64) -> u64 {
        (self.debt(pace, now) + pace.interval).saturating_sub(pace.capacity)
    }

    /// How many would be admitted now.
    pub(super) fn remaining(self, pace: Pace, now: u64) -> u64 {
        (pace.capacity - self.debt(pace, now)) / pace.interval
    }

    /// Admits one; [`Self::wait`] must be 0.
    pub(super) fn spend(self, pace: Pace, now: u64) -> Self {
        let debt = self.debt(pace, now);
        // Not back, should two threads have read the time in the other order.
        let low = if debt < pace.interval { self.low.max(now) } else { self.low };
        Self { tat: now + debt + pace.interval, low }
    }

    /// Takes back what was admitted `at` some time.
    ///
    /// Exact in a bucket that has been busy since, and when it is done at once. Otherwise time may
    /// have paid for it already, up to all the time since, so only the rest is taken back: with it
    /// there must not be room for more than if it had not been spent.
    pub(super) fn give_back(self, pace: Pace, at: u64, now: u64) -> Self {
        let debt = self.debt(pace, now);
        let busy_since = self.low <= at && debt >= pace.interval;
        let paid = if busy_since { 0 } else { now.saturating_sub(at) };
        let debt = debt.saturating_sub(pace.interval.saturating_sub(paid));
        // Without what is given back the bucket may have been empty in the meantime.
        Self { tat: now + debt, low: self.low.max(now) }
    }
}

/// Whole microseconds.
pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pace(count: u32, seconds: u64, burst: u32) -> Pace {
        Rate { count, per: Duration::from_secs(seconds), burst }.into()
    }

    /// What a history of spending and giving back admitted and kept, and when.
    fn play(pace: Pace, events: &[Event]) -> Vec<u64> {
        let (mut bucket, mut now, mut kept) = (Bucket::default(), 0, Vec::new());
        for event in events {
            now += event.after;
            match event.gives_back {
                Some(index) if !kept.is_empty() => {
                    let at = kept.remove(index.index(kept.len()));
                    bucket = bucket.give_back(pace, at, now);
                }
                _ if bucket.wait(pace, now) == 0 => {
                    bucket = bucket.spend(pace, now);
                    kept.push(now);
                }
                _ => (),
            }
        }
        kept
    }

    #[derive(Clone, Debug)]
    struct Event {
        after: u64,
        gives_back: Option<prop::sample::Index>,
    }

    fn history(gives_back: bool) -> impl Strategy<Value = (Pace, Vec<Event>)> {
        let share = if gives_back { 0.4 } else { f64::MIN_POSITIVE };
        let back = prop::option::weighted(share, any::<prop::sample::Index>());
        let pace = (1..200_u32, prop_oneof![Just(1), Just(60)], 1..12_u32)
            .prop_map(|(count, seconds, burst)| pace(count, seconds, burst));
        pace.prop_flat_map(move |pace| {
            let event = (0..pace.interval * 2, back.clone())
                .prop_map(|(after, gives_back)| Event { after, gives_back });
            // Half of what happens happens at once.
            let event = (event, any::<bool>()).prop_map(|(event, at_once)| Event {
                after: if at_once { event.after / 20 } else { event.after },
                ..event
            });
            (Just(pace), prop::collection::vec(event, 1..80))
        })
    }

    fn assert_within(pace: Pace, kept: &[u64]) {
        for (first, from) in kept.iter().enumerate() {
            for (last, to) in kept.iter().enumerate().skip(first) {
                let admitted = (last - first + 1) as u64;
                let allowed = pace.burst() + (to - from) / pace.interval;
                assert!(admitted <= allowed, "{admitted} of {allowed} from {from} to {to}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn no_span_admits_more_than_the_burst_and_the_rate((pace, events) in history(false)) {
            assert_within(pace, &play(pace, &events));
        }

        #[test]
        fn what_is_given_back_makes_room_for_itself_only((pace, events) in history(true)) {
            assert_within(pace, &play(pace, &events));
        }

        #[test]
        fn what_remains_is_what_is_admitted((pace, events) in history(false)) {
            let (mut bucket, mut now) = (Bucket::default(), 0);
            for event in events {
                now += event.after;
                let (mut spent, mut admitted) = (bucket, 0);
                while spent.wait(pace, now) == 0 {
                    spent = spent.spend(pace, now);
                    admitted += 1;
                }
                prop_assert_eq!(bucket.remaining(pace, now), admitted);
                prop_assert_eq!(spent.wait(pace, now + spent.wait(pace, now)), 0);
                if admitted > 0 {
                    bucket = bucket.spend(pace, now);
                }
            }
        }

        #[test]
        fn the_extremes_neither_overflow_nor_admit_too_much(
            count in 1..=1_000_000_u32, burst in 1..=1_000_000_u32, days in any::<bool>(),
            now in 0..(1_u64 << 52),
        ) {
            let pace = pace(count, if days { 86_400 } else { 1 }, burst);
            prop_assert!(pace.burst() <= u64::from(burst));
            let full = Bucket { tat: now + pace.capacity, low: 0 };
            prop_assert!(full.tat < 1 << 53);
            prop_assert!(full.wait(pace, now) > 0 && full.wait(pace, now) <= pace.interval);
            prop_assert_eq!(full.remaining(pace, now), 0);
            prop_assert_eq!(Bucket::default().remaining(pace, now), pace.burst());
        }
    }

    #[test]
    fn giving_back_at_once_undoes_exactly() {
        let pace = pace(30, 60, 10);
        let mut bucket = Bucket::default();
        for owed in 0..10 {
            assert_eq!(bucket.remaining(pace, 5), 10 - owed);
            let spent = bucket.spend(pace, 5);
            assert_eq!(spent.give_back(pace, 5, 5).debt(pace, 5), bucket.debt(pace, 5));
            bucket = spent;
        }
        // In a busy bucket the whole interval comes back even later.
        let later = bucket.give_back(pace, 5, 5 + 3 * pace.interval);
        assert_eq!(later.remaining(pace, 5 + 3 * pace.interval), 4);
    }

    #[test]
    fn a_clock_set_back_or_a_tightened_rate_blocks_no_longer_than_one_interval() {
        let pace = pace(1, 1, 5);
        let ahead = Bucket { tat: 1_000_000_000, low: 0 };
        assert_eq!(ahead.wait(pace, 0), pace.interval);
    }

    #[test]
    fn the_fastest_and_the_slowest_rate_are_exact() {
        assert_eq!(pace(1_000_000, 1, 1_000_000).interval, 1);
        assert_eq!(pace(1, 86_400, 1).interval, 86_400_000_000);
        assert_eq!(Pace::from(Rate { count: 1, per: Duration::MAX, burst: u32::MAX }).burst(), 1);
    }
}
