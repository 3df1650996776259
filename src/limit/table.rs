//! Counts in memory: as many subjects as there are slots, however many there are.
//!
//! A hash table in sets of eight places. A subject has its place in one of the eight of one set, and
//! the keys of a set lie together, so a look-up reads two or three cache lines. When all eight are taken, the one that is closest to owing
//! nothing is forgotten: whose debt was paid and whose window is over is forgotten first, and
//! without any loss. What is lost when a set is full of debtors is the least of their debts, and
//! that subject begins anew.

use super::{gcra::Bucket, quota::Window, tally::Tally};

/// The places of a set.
const WAYS: usize = 8;

/// What is kept of a subject: the TAT and the low of the rate, the end and the count of the quota.
type Slot = [u64; 4];

/// The keys (0: free), then the slots, four numbers each.
type Set = [u64; WAYS + 4 * WAYS];

/// The bytes that a subject takes.
pub(super) const SLOT_BYTES: usize = size_of::<Set>() / WAYS;

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    /// The numbers of all sets. Zeroed memory for plain numbers is had without touching it, so that
    /// unused sets cost none; for long arrays the library does not promise that.
    numbers: Vec<u64>,
}

/// What a place held before it was written.
#[derive(Debug)]
pub(super) struct Undo {
    set: usize,
    place: usize,
    key: u64,
    slot: Slot,
}

impl Table {
    /// A table for `capacity` subjects, a power of two and at least one set.
    pub(super) fn new(capacity: usize) -> Self {
        debug_assert!(capacity.is_power_of_two() && capacity >= WAYS);
        Self { numbers: vec![0; capacity / WAYS * size_of::<Set>() / size_of::<u64>()] }
    }

    /// The counts of `key`; new ones when it is not known.
    pub(super) fn read(&self, key: u64) -> Tally {
        let set = &self.sets()[self.set(key)];
        let place = place(set, key.max(1));
        place.map_or_else(Tally::default, |place| tally(slots(set)[place]))
    }

    /// Writes the counts of `key`, in the place of another if need be.
    pub(super) fn write(&mut self, key: u64, counts: Tally, now: u64) -> Undo {
        let at = self.set(key);
        let (set, key) = (&mut self.sets_mut()[at], key.max(1));
        let place = place(set, key).unwrap_or_else(|| {
            let debts = slots(set).iter().map(|[tat, _, end, _]| tat.max(end).saturating_sub(now));
            debts.enumerate().min_by_key(|(_, debt)| *debt).map_or(0, |(place, _)| place)
        });
        let Tally { bucket, window } = counts;
        let slot = [bucket.tat, bucket.low, window.end, window.count];
        replace(set, at, place, key, slot)
    }

    /// Undoes a write. Of several the last one first.
    pub(super) fn undo(&mut self, undo: &Undo) {
        replace(&mut self.sets_mut()[undo.set], undo.set, undo.place, undo.key, undo.slot);
    }

    fn set(&self, key: u64) -> usize {
        // Truncating is what is wanted: the low bits choose the set.
        (key as usize / WAYS) & (self.sets().len() - 1)
    }

    fn sets(&self) -> &[Set] {
        self.numbers.as_chunks().0
    }

    fn sets_mut(&mut self) -> &mut [Set] {
        self.numbers.as_chunks_mut().0
    }
}

fn place(set: &Set, key: u64) -> Option<usize> {
    set[..WAYS].iter().position(|other| *other == key)
}

fn slots(set: &Set) -> &[Slot] {
    set[WAYS..].as_chunks().0
}

fn replace(set: &mut Set, at: usize, place: usize, key: u64, slot: Slot) -> Undo {
    let (keys, slots) = set.split_at_mut(WAYS);
    let (key, slot) = (
        std::mem::replace(&mut keys[place], key),
        std::mem::replace(&mut slots.as_chunks_mut().0[place], slot),
    );
    Undo { set: at, place, key, slot }
}

fn tally([tat, low, end, count]: Slot) -> Tally {
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
        assert_eq!(table.sets().len() * WAYS, 1024);
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
