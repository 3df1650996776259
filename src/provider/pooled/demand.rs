//! How many tokens were asked for lately. Times are since some fixed moment.

use std::time::Duration;

/// How far back is looked, in seconds, and so for how long a pool that keeps up with its callers can
/// go without a provider.
const WINDOW: usize = 10;

/// What was asked for, by second.
#[derive(Debug, Default)]
pub(super) struct Demand {
    slots: [Slot; WINDOW],
    last: Option<Duration>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    second: u64,
    asked: u32,
}

impl Demand {
    /// A token was asked for.
    pub(super) fn asked(&mut self, now: Duration) {
        let second = now.as_secs();
        let slot = &mut self.slots[place(second)];
        if slot.second != second {
            *slot = Slot { second, asked: 0 };
        }
        slot.asked = slot.asked.saturating_add(1);
        self.last = Some(now);
    }

    /// How many were, within the window.
    pub(super) fn lately(&self, now: Duration) -> u32 {
        let recent = |slot: &&Slot| now.as_secs().saturating_sub(slot.second) < WINDOW as u64;
        self.slots.iter().filter(recent).fold(0, |sum, slot| sum.saturating_add(slot.asked))
    }

    /// When the last one was.
    pub(super) fn last(&self) -> Option<Duration> {
        self.last
    }
}

fn place(second: u64) -> usize {
    usize::try_from(second % WINDOW as u64).unwrap_or_default()
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
