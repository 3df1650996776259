//! The limits of this process: always on, and all there is without Redis.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::{
    charge::{Charge, Outcome, Receipt},
    gcra::micros,
    table::{SLOT_BYTES, Table, Undo},
    tally::{Weighed, outcome, receipts},
};

/// How many addresses are remembered: 2.6 MB when all are.
const ADDRESSES: usize = 65_536;
/// How many callers, each once for every limit that counts it: 2.6 MB.
const CALLERS: usize = 65_536;
/// How many that stand for everyone together, such as token types: 40 KB.
const COMMON: usize = 1_024;

/// The bytes of all tables when every slot has been used.
pub(super) const BYTES: usize = (ADDRESSES + CALLERS + COMMON) * SLOT_BYTES;

/// The counts of this process.
#[derive(Debug)]
pub(super) struct Memory {
    /// Keyed at random, so that nobody can choose names that meet in one set.
    hashing: RandomState,
    /// The beginning of its time.
    start: Instant,
    /// One lock for all: what it guards takes well below a microsecond.
    tables: Mutex<Tables>,
}

/// Separate, so that whoever has many addresses cannot make us forget callers, nor callers the
/// budget of a token type.
#[derive(Debug)]
struct Tables {
    addresses: Table,
    callers: Table,
    common: Table,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self::with_capacity(ADDRESSES, CALLERS, COMMON)
    }

    fn with_capacity(addresses: usize, callers: usize, common: usize) -> Self {
        let tables = Tables {
            addresses: Table::new(addresses),
            callers: Table::new(callers),
            common: Table::new(common),
        };
        Self { hashing: RandomState::new(), start: Instant::now(), tables: Mutex::new(tables) }
    }

    /// The hash of a subject in this process.
    pub(super) fn hash(&self, scope: &str, parts: &[&[u8]]) -> u64 {
        let mut hasher = self.hashing.build_hasher();
        for part in std::iter::once(scope.as_bytes()).chain(parts.iter().copied()) {
            // With their lengths, so that "a", "bc" is another than "ab", "c".
            hasher.write_usize(part.len());
            hasher.write(part);
        }
        hasher.finish()
    }

    /// Its time, which never goes back.
    pub(super) fn now(&self) -> u64 {
        micros(self.start.elapsed())
    }

    /// Spends all charges or none. How those that were spent `already` stand comes first.
    pub(super) fn spend(&self, already: &[Charge], charges: &[Charge], now: u64) -> Outcome {
        let mut tables = self.lock();
        let mut standings = Vec::with_capacity(2 * (already.len() + charges.len()));
        for charge in already.iter().filter(|charge| charge.limit.is_on()) {
            let key = charge.subject.here;
            tables.weigh(key, charge, now).standings(false, now, &mut standings);
        }
        let mut weighed = Vec::with_capacity(charges.len());
        let mut written = Vec::with_capacity(charges.len());
        for charge in charges.iter().filter(|charge| charge.limit.is_on()) {
            let key = charge.subject.here;
            let it = tables.weigh(key, charge, now);
            if it.exceeded.is_none() {
                let undo = tables.of(charge.policy).write(key, it.after, now);
                written.push((charge.policy, undo));
            }
            weighed.push(it);
        }
        let mut outcome = outcome(&weighed, now, standings);
        match &mut outcome.result {
            Ok(spent) => spent.here = receipts(&weighed, now).flatten().collect(),
            Err(_) => tables.undo(&written),
        }
        outcome
    }

    /// What [`Self::spend`] would say; spends nothing.
    pub(super) fn look(&self, charges: &[Charge], now: u64) -> Outcome {
        let mut tables = self.lock();
        let on = charges.iter().filter(|charge| charge.limit.is_on());
        let weighed = on.map(|it| tables.weigh(it.subject.here, it, now).unspent());
        let weighed: Vec<Weighed<'_>> = weighed.collect();
        outcome(&weighed, now, Vec::with_capacity(2 * charges.len()))
    }

    /// Takes back what was spent here.
    pub(super) fn give_back(&self, receipts: &[Receipt], now: u64) {
        let mut tables = self.lock();
        for receipt in receipts {
            let key = receipt.charge.subject.here;
            let table = tables.of(receipt.charge.policy);
            let counts = table.read(key);
            // Who was forgotten has nothing to get back.
            if counts != Default::default() {
                table.write(key, counts.give_back(receipt, now), now);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        // A panic under the lock leaves counts that are at worst not undone.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn of(&mut self, policy: &str) -> &mut Table {
        match policy {
            "address" | "failed_authentication" => &mut self.addresses,
            "token" | "together" => &mut self.common,
            _ => &mut self.callers,
        }
    }

    fn weigh<'a>(&mut self, key: u64, charge: &'a Charge, now: u64) -> Weighed<'a> {
        Weighed::new(charge, self.of(charge.policy).read(key), now)
    }

    fn undo(&mut self, written: &[(&'static str, Undo)]) {
        for (policy, undo) in written.iter().rev() {
            self.of(policy).undo(undo);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        limit::Part,
        settings::{Limit, Mode, Quota, Rate},
    };

    const SECOND: u64 = 1_000_000;

    fn limit(mode: Mode, burst: u32, quota: Option<u32>) -> Limit {
        let per = Duration::from_secs(1);
        Limit {
            mode,
            rate: Some(Rate { count: 1, per, burst }),
            quota: quota.map(|count| Quota { count, per: 100 * per }),
        }
    }

    fn charge(memory: &Memory, policy: &'static str, limit: Limit, who: &str) -> Charge {
        let here = memory.hash(policy, &[who.as_bytes()]);
        Charge { policy, limit, subject: super::super::Subject { here, shared: None } }
    }

    #[test]
    fn what_is_refused_spends_nothing() {
        let memory = Memory::with_capacity(8, 8, 8);
        let wide = charge(&memory, "caller", limit(Mode::Enforce, 5, Some(3)), "me");
        let narrow = charge(&memory, "token", limit(Mode::Enforce, 1, None), "all");
        assert!(memory.spend(&[], &[wide, narrow], SECOND).result.is_ok());
        let before = memory.look(&[wide, narrow], SECOND).standings;
        let refused = memory.spend(&[], &[wide, narrow], SECOND);
        let exceeded = refused.result.unwrap_err();
        assert_eq!((exceeded.policy, exceeded.part), ("token", Part::Rate));
        assert_eq!(exceeded.retry_after, Duration::from_secs(1));
        assert_eq!(refused.standings, before);
        assert_eq!(memory.look(&[wide, narrow], SECOND).standings, before);
        assert_eq!(before.iter().map(|it| it.remaining).collect::<Vec<_>>(), [4, 2, 0]);
    }

    #[test]
    fn the_longest_wait_is_named() {
        let memory = Memory::with_capacity(8, 8, 8);
        let charge = charge(&memory, "caller", limit(Mode::Enforce, 1, Some(1)), "me");
        assert!(memory.spend(&[], &[charge], 0).result.is_ok());
        let exceeded = memory.spend(&[], &[charge], 0).result.unwrap_err();
        assert_eq!((exceeded.part, exceeded.retry_after.as_secs()), (Part::Quota, 100));
    }

    #[test]
    fn an_observed_limit_counts_and_tells_and_never_refuses() {
        let memory = Memory::with_capacity(8, 8, 8);
        let observed = charge(&memory, "caller", limit(Mode::Observe, 1, None), "me");
        let off = charge(&memory, "address", limit(Mode::Off, 1, None), "here");
        let first = memory.spend(&[], &[observed, off], 0);
        assert!(first.result.is_ok() && first.observed.is_empty() && first.standings.is_empty());
        let second = memory.spend(&[], &[observed, off], 0);
        assert_eq!(second.observed.len(), 1);
        assert_eq!(second.observed[0].policy, "caller");
        assert!(second.result.unwrap().here.is_empty());
    }

    #[test]
    fn looking_refuses_what_is_exhausted_and_spends_nothing() {
        let memory = Memory::with_capacity(8, 8, 8);
        let charge = charge(&memory, "failed_authentication", limit(Mode::Enforce, 1, None), "me");
        for _ in 0..3 {
            assert!(memory.look(&[charge], 0).result.is_ok());
        }
        assert!(memory.spend(&[], &[charge], 0).result.is_ok());
        assert!(memory.look(&[charge], 0).result.is_err());
        assert!(memory.look(&[charge], SECOND).result.is_ok());
    }

    #[test]
    fn what_is_given_back_can_be_spent_again() {
        let memory = Memory::with_capacity(8, 8, 8);
        let charges = [charge(&memory, "caller", limit(Mode::Enforce, 2, Some(2)), "me")];
        let first = memory.spend(&[], &charges, 0).result.unwrap();
        assert!(memory.spend(&[], &charges, 0).result.is_ok());
        assert!(memory.spend(&[], &charges, 0).result.is_err());
        memory.give_back(&first.here, 0);
        assert!(memory.spend(&[], &charges, 0).result.is_ok());
        assert!(memory.spend(&[], &charges, 0).result.is_err());
    }

    #[test]
    fn the_same_charge_twice_counts_twice() {
        let memory = Memory::with_capacity(8, 8, 8);
        let charge = charge(&memory, "caller", limit(Mode::Enforce, 3, None), "me");
        assert!(memory.spend(&[], &[charge, charge], 0).result.is_ok());
        assert!(memory.spend(&[], &[charge, charge], 0).result.is_err());
        assert_eq!(memory.look(&[charge], 0).standings[0].remaining, 1);
    }

    #[test]
    fn a_flood_of_addresses_makes_nobody_forget_callers_or_tokens() {
        let memory = Memory::with_capacity(64, 64, 8);
        let exhausted = limit(Mode::Enforce, 1, None);
        let caller = charge(&memory, "caller", exhausted, "me");
        let token = charge(&memory, "token", exhausted, "all");
        assert!(memory.spend(&[], &[caller, token], 0).result.is_ok());
        for number in 0..10_000 {
            let address = charge(&memory, "address", exhausted, &number.to_string());
            assert!(memory.spend(&[], &[address], 0).result.is_ok());
        }
        assert!(memory.look(&[caller], 0).result.is_err());
        assert!(memory.look(&[token], 0).result.is_err());
    }

    #[test]
    fn names_that_read_alike_are_told_apart() {
        let memory = Memory::with_capacity(8, 8, 8);
        assert_ne!(memory.hash("s", &[b"a", b"bc"]), memory.hash("s", &[b"ab", b"c"]));
        assert_ne!(memory.hash("s", &[b"a"]), memory.hash("sa", &[]));
        assert_eq!(memory.hash("s", &[b"a"]), memory.hash("s", &[b"a"]));
    }

    #[test]
    fn a_policy_counts_for_itself() {
        let memory = Memory::with_capacity(8, 8, 8);
        let one = charge(&memory, "caller", limit(Mode::Enforce, 1, None), "me");
        let other = charge(&memory, "caller_token", limit(Mode::Enforce, 1, None), "me");
        assert!(memory.spend(&[], &[one], 0).result.is_ok());
        assert!(memory.spend(&[], &[other], 0).result.is_ok());
    }
}
