//! Counts in memory: as many subjects as there are slots, however many there are.
//!
//! A hash table in sets of eight slots. A subject has its place in one of the eight of one set, so
//! a look-up reads a few cache lines. When all eight are taken, the one that is closest to owing
//! nothing is forgotten: whose debt was paid and whose window is over is forgotten first, and
//! without any loss. What is lost when a set is full of debtors is the least of their debts, and
//! that subject begins anew.

use super::{gcra::Bucket, quota::Window, tally::Tally};

/// The slots of a set.
const WAYS: usize = 8;

/// The key (0: free), the TAT and the low of the rate, the end and the count of the quota. Plain
/// numbers, because zeroed memory of those is had without touching it: unused slots cost no memory.
type Slot = [u64; 5];

/// The bytes of a slot.
pub(super) const SLOT_BYTES: usize = size_of::<Slot>();

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    slots: Vec<Slot>,
}

/// What a slot held before it was written.
#[derive(Debug)]
pub(super) struct Undo {
    index: usize,
    slot: Slot,
}

impl Table {
    /// A table for `capacity` subjects, a power of two and at least one set.
    pub(super) fn new(capacity: usize) -> Self {
        debug_assert!(capacity.is_power_of_two() && capacity >= WAYS);
        Self { slots: vec![[0; 5]; capacity] }
    }

    /// The counts of `key`; new ones when it is not known.
    pub(super) fn read(&self, key: u64) -> Tally {
        let slots = &self.slots[self.set(key)];
        slots.iter().find(|slot| slot[0] == key.max(1)).map_or_else(Tally::default, tally)
    }

    /// Writes the counts of `key`, in the place of another if need be.
    pub(super) fn write(&mut self, key: u64, counts: Tally, now: u64) -> Undo {
        let set = self.set(key);
        let key = key.max(1);
        let slots = &self.slots[set.clone()];
        let place = slots.iter().position(|slot| slot[0] == key).unwrap_or_else(|| {
            let debts = slots.iter().map(|slot| slot[1].max(slot[3]).saturating_sub(now));
            debts.enumerate().min_by_key(|(_, debt)| *debt).map_or(0, |(place, _)| place)
        });
        let index = set.start + place;
        let Tally { bucket, window } = counts;
        let slot = [key, bucket.tat, bucket.low, window.end, window.count];
        Undo { index, slot: std::mem::replace(&mut self.slots[index], slot) }
    }

    /// Undoes a write. Of several the last one first.
    pub(super) fn undo(&mut self, undo: &Undo) {
        self.slots[undo.index] = undo.slot;
    }

    fn set(&self, key: u64) -> std::ops::Range<usize> {
        // Truncating is what is wanted: the low bits choose the set.
        let start = key as usize & (self.slots.len() - 1) & !(WAYS - 1);
        start..start + WAYS
    }
}

fn tally(slot: &Slot) -> Tally {
    let [_, tat, low, end, count] = *slot;
    Tally { bucket: Bucket { tat, low }, window: Window { end, count } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owing(tat: u64) -> Tally {
        Tally { bucket: Bucket { tat, low: 0 }, window: Window::default() }
    }

    /// Keys that all belong into the same set.
    fn of_one_set() -> impl Iterator<Item = u64> {
        (1..).map(|number: u64| number << 32)
    }

    #[test]
    fn remembers_what_was_written() {
        let mut table = Table::new(64);
        let counts = Tally { window: Window { end: 7, count: 3 }, ..owing(9) };
        table.write(5, counts, 0);
        table.write(0, owing(4), 0);
        assert_eq!((table.read(5), table.read(0)), (counts, owing(4)));
        assert_eq!(table.read(6), Tally::default());
    }

    #[test]
    fn a_flood_is_forgotten_before_those_who_owe_more() {
        let mut table = Table::new(1024);
        let debtors: Vec<u64> = of_one_set().take(7).collect();
        for key in &debtors {
            table.write(*key, owing(1_000_000), 0);
        }
        for (now, key) in of_one_set().skip(7).take(100_000).enumerate() {
            table.write(key, owing(now as u64 + 10), now as u64);
        }
        for key in &debtors {
            assert_eq!(table.read(*key), owing(1_000_000));
        }
        assert_eq!(table.slots.len(), 1024);
    }

    #[test]
    fn who_owes_nothing_any_more_is_forgotten_first() {
        let mut table = Table::new(8);
        for key in 1..=8 {
            table.write(key, owing(if key == 4 { 50 } else { 100 }), 0);
        }
        // A window that is still open counts as much as a debt.
        table.write(1, Tally { window: Window { end: 200, count: 1 }, ..owing(0) }, 0);
        table.write(9, owing(300), 60);
        assert_eq!(table.read(4), Tally::default());
        assert!([1, 2, 3, 5, 6, 7, 8, 9].iter().all(|key| table.read(*key) != Tally::default()));
    }

    #[test]
    fn undoing_restores_even_who_was_forgotten() {
        let mut table = Table::new(8);
        for key in 1..=8 {
            table.write(key, owing(key * 100), 0);
        }
        let undo = table.write(9, owing(5), 0);
        assert_eq!(table.read(1), Tally::default());
        table.undo(&undo);
        assert_eq!((table.read(1), table.read(9)), (owing(100), Tally::default()));
    }
}
