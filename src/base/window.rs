//! Counts over the last seconds. Times are since some fixed moment.

use std::time::Duration;

/// Counts of `N` kinds, by second, over the last `SECONDS` seconds, the current one included.
#[derive(Debug)]
pub struct Window<const SECONDS: usize, const N: usize> {
    slots: [Slot<N>; SECONDS],
}

#[derive(Clone, Copy, Debug)]
struct Slot<const N: usize> {
    second: u64,
    counts: [u32; N],
}

impl<const SECONDS: usize, const N: usize> Default for Window<SECONDS, N> {
    fn default() -> Self {
        Self { slots: [Slot { second: 0, counts: [0; N] }; SECONDS] }
    }
}

impl<const SECONDS: usize, const N: usize> Window<SECONDS, N> {
    /// Adds `counts` at `now`, which is never before the last one.
    pub fn add(&mut self, now: Duration, counts: [u32; N]) {
        let second = now.as_secs();
        let place = usize::try_from(second % SECONDS as u64).unwrap_or_default();
        let slot = &mut self.slots[place];
        if slot.second != second {
            *slot = Slot { second, counts: [0; N] };
        }
        for (sum, count) in slot.counts.iter_mut().zip(counts) {
            *sum = sum.saturating_add(count);
        }
    }

    /// The sums over the window that ends at `now`.
    pub fn sums(&self, now: Duration) -> [u32; N] {
        let mut sums = [0_u32; N];
        let is_recent = |slot: &&Slot<N>| now.as_secs().abs_diff(slot.second) < SECONDS as u64;
        for slot in self.slots.iter().filter(is_recent) {
            for (sum, count) in sums.iter_mut().zip(slot.counts) {
                *sum = sum.saturating_add(count);
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_in_the_sum_for_as_many_seconds_as_the_window_has() {
        let mut window = Window::<10, 2>::default();
        let at = Duration::from_millis;
        assert_eq!(window.sums(at(0)), [0, 0]);
        (0..5).for_each(|_| window.add(at(900), [1, 0]));
        window.add(at(1_000), [1, 1]);
        assert_eq!(window.sums(at(1_000)), [6, 1]);
        assert_eq!(window.sums(at(9_999)), [6, 1]);
        assert_eq!(window.sums(at(10_000)), [1, 1]);
        assert_eq!(window.sums(at(11_000)), [0, 0]);
        window.add(at(21_500), [1, 0]);
        assert_eq!(window.sums(at(21_500)), [1, 0]);
    }

    #[test]
    fn sums_saturate() {
        let mut window = Window::<2, 1>::default();
        window.add(Duration::ZERO, [u32::MAX]);
        window.add(Duration::from_secs(1), [1]);
        assert_eq!(window.sums(Duration::from_secs(1)), [u32::MAX]);
    }
}
