//! The quota: so many in a window that begins with the first of them.
//!
//! No calendar, so no midnight at which everybody comes at once. Pure like [`super::gcra`]; times
//! are microseconds since some beginning.

use super::gcra::micros;
use crate::settings::Quota;

/// A quota, as the counting needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allowance {
    /// How many in a window.
    pub(super) count: u64,
    /// How long a window is.
    pub(super) per: u64,
}

/// The window of a subject. The default one has not begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    /// When it ends; in the past when it is over, 0 when none has begun.
    pub(super) end: u64,
    /// How many in it.
    pub(super) count: u64,
}

impl From<Quota> for Allowance {
    fn from(quota: Quota) -> Self {
        // As long as the longest debt of a rate, for the same reason.
        Self { count: u64::from(quota.count.max(1)), per: micros(quota.per).clamp(1, 1 << 52) }
    }
}

impl Window {
    /// The window as it is now: over, or with no more left of it than a whole one.
    fn at(self, allowance: Allowance, now: u64) -> Self {
        if self.end <= now || self.count == 0 {
            return Self::default();
        }
        // Further away it can only be for a longer quota, or for a clock that was set back.
        Self { end: self.end.min(now + allowance.per), ..self }
    }

    /// How long until it is over; a window that has not begun would take its whole time.
    pub(super) fn left(self, allowance: Allowance, now: u64) -> u64 {
        match self.at(allowance, now) {
            Self { count: 0, .. } => allowance.per,
            open => open.end - now,
        }
    }

    /// How long until one more is admitted; 0 for now.
    pub(super) fn wait(self, allowance: Allowance, now: u64) -> u64 {
        if self.remaining(allowance, now) > 0 { 0 } else { self.left(allowance, now) }
    }

    /// How many would be admitted now.
    pub(super) fn remaining(self, allowance: Allowance, now: u64) -> u64 {
        allowance.count.saturating_sub(self.at(allowance, now).count)
    }

    /// Admits one; [`Self::wait`] must be 0.
    pub(super) fn spend(self, allowance: Allowance, now: u64) -> Self {
        match self.at(allowance, now) {
            Self { count: 0, .. } => Self { end: now + allowance.per, count: 1 },
            open => Self { count: open.count + 1, ..open },
        }
    }

    /// Takes back one that was admitted into the window that ends at `end`. Of another window it
    /// takes nothing. A window without any has not begun.
    pub(super) fn give_back(self, end: u64) -> Self {
        match self {
            same if same.end != end || same.count == 0 => same,
            Self { count: 1, .. } => Self::default(),
            open => Self { count: open.count - 1, ..open },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PER: u64 = 1_000;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn no_window_admits_more_than_the_count(
            count in 1..6_u64,
            events in prop::collection::vec((0..PER / 2, prop::option::weighted(0.3, any::<prop::sample::Index>())), 1..80),
        ) {
            let allowance = Allowance { count, per: PER };
            let (mut window, mut now) = (Window::default(), 0);
            // What was kept: when, and the end of its window.
            let mut kept: Vec<(u64, u64)> = Vec::new();
            for (after, gives_back) in events {
                now += after;
                match gives_back {
                    Some(index) if !kept.is_empty() => {
                        let (_, end) = kept.remove(index.index(kept.len()));
                        window = window.give_back(end);
                    }
                    _ if window.wait(allowance, now) == 0 => {
                        window = window.spend(allowance, now);
                        kept.push((now, window.end));
                    }
                    _ => prop_assert_eq!(window.remaining(allowance, now), 0),
                }
            }
            for (at, end) in &kept {
                prop_assert!(at < end && end - at <= PER);
                let together = kept.iter().filter(|(_, other)| other == end).count() as u64;
                prop_assert!(together <= count, "{} in one window of {}", together, count);
            }
        }
    }

    #[test]
    fn a_window_begins_with_the_first_and_ends_for_all() {
        let allowance = Allowance { count: 2, per: PER };
        let full = Window::default().spend(allowance, 10).spend(allowance, 900);
        assert_eq!(full.wait(allowance, 900), 110);
        assert_eq!(full.remaining(allowance, 1_009), 0);
        assert_eq!(full.remaining(allowance, 1_010), 2);
        assert_eq!(full.spend(allowance, 1_500), Window { end: 2_500, count: 1 });
    }

    #[test]
    fn giving_back_into_a_later_window_does_nothing() {
        let allowance = Allowance { count: 1, per: PER };
        let first = Window::default().spend(allowance, 0);
        let second = first.spend(allowance, 1_000);
        assert_eq!(second.give_back(first.end), second);
        assert_eq!(first.give_back(first.end), Window::default());
        assert_eq!(Window::default().give_back(0), Window::default());
    }

    #[test]
    fn a_clock_set_back_or_a_shortened_quota_blocks_no_longer_than_its_time() {
        let allowance = Allowance { count: 1, per: PER };
        assert_eq!(Window { end: 1 << 50, count: 1 }.wait(allowance, 0), PER);
    }
}
