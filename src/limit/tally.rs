//! The counts of one subject against one limit: both parts of it, judged together.
//!
//! Memory and Redis keep the same four numbers, and what they mean is said here once. Redis does
//! its own checking, because it has to be atomic there; `script.lua` follows [`super::gcra`] and
//! [`super::quota`] line by line, and a test holds it to them.

use std::time::Duration;

use super::{
    charge::{Charge, Exceeded, Outcome, Part, Receipt, Spent, Standing},
    gcra::{Bucket, Pace},
    quota::{Allowance, Window},
};
use crate::settings::Limit;

/// What is kept of a subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) bucket: Bucket,
    pub(super) window: Window,
}

/// A limit, as the counting needs it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure {
    pub(super) pace: Option<Pace>,
    pub(super) allowance: Option<Allowance>,
}

impl From<Limit> for Measure {
    fn from(limit: Limit) -> Self {
        Self { pace: limit.rate.map(Pace::from), allowance: limit.quota.map(Allowance::from) }
    }
}

/// A charge, and the counts it met.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weighed<'a> {
    charge: &'a Charge,
    measure: Measure,
    before: Tally,
    /// With it, if it is not exceeded.
    pub(super) after: Tally,
    pub(super) exceeded: Option<Exceeded>,
}

impl<'a> Weighed<'a> {
    pub(super) fn new(charge: &'a Charge, before: Tally, now: u64) -> Self {
        let measure = Measure::from(charge.limit);
        let exceeded = before.exceeded(charge.policy, measure, now);
        let after = if exceeded.is_some() { before } else { before.spend(measure, now) };
        Self { charge, measure, before, after, exceeded }
    }

    /// The same, if it is only looked at.
    pub(super) fn unspent(self) -> Self {
        Self { after: self.before, ..self }
    }

    /// How it stands, if it is enforced.
    pub(super) fn standings(&self, spent: bool, now: u64, into: &mut Vec<Standing>) {
        if self.charge.is_enforced() {
            let counts = if spent { self.after } else { self.before };
            counts.standings(self.charge, self.measure, now, into);
        }
    }
}

/// What came of charges that were weighed together at `now`: spent if no enforced one is exceeded.
/// How they stand then comes behind `standings`.
pub(super) fn outcome(weighed: &[Weighed<'_>], now: u64, mut standings: Vec<Standing>) -> Outcome {
    let exceeded = |enforced: bool| {
        let which = move |it: &&Weighed<'_>| it.charge.is_enforced() == enforced;
        weighed.iter().filter(which).filter_map(|it| it.exceeded)
    };
    let worst = exceeded(true).max_by_key(|exceeded| exceeded.retry_after);
    for it in weighed {
        it.standings(worst.is_none(), now, &mut standings);
    }
    let result = worst.map_or_else(|| Ok(Spent::default()), Err);
    Outcome { standings, observed: exceeded(false).collect(), result }
}

/// For each charge of those that were spent at `now` what can be given back.
pub(super) fn receipts(weighed: &[Weighed<'_>], now: u64) -> impl Iterator<Item = Option<Receipt>> {
    weighed.iter().map(move |it| {
        let receipt = Receipt { charge: *it.charge, at: now, window: it.after.window.end };
        it.exceeded.is_none().then_some(receipt)
    })
}

impl Tally {
    /// The part that would refuse one more, and for how long; of both the longer.
    fn exceeded(&self, policy: &'static str, measure: Measure, now: u64) -> Option<Exceeded> {
        let rate = measure.pace.map(|pace| (Part::Rate, self.bucket.wait(pace, now)));
        let quota = measure.allowance.map(|most| (Part::Quota, self.window.wait(most, now)));
        let (part, wait) = rate.into_iter().chain(quota).max_by_key(|(_, wait)| *wait)?;
        let retry_after = Duration::from_micros(wait);
        (wait > 0).then_some(Exceeded { policy, part, retry_after })
    }

    /// Counts one more.
    pub(super) fn spend(self, measure: Measure, now: u64) -> Self {
        Self {
            bucket: measure.pace.map_or(self.bucket, |pace| self.bucket.spend(pace, now)),
            window: measure.allowance.map_or(self.window, |most| self.window.spend(most, now)),
        }
    }

    /// Takes back one.
    pub(super) fn give_back(self, receipt: &Receipt, now: u64) -> Self {
        let measure = Measure::from(receipt.charge.limit);
        let bucket = |pace| self.bucket.give_back(pace, receipt.at, now);
        Self {
            bucket: measure.pace.map_or(self.bucket, bucket),
            window: measure
                .allowance
                .map_or(self.window, |_| self.window.give_back(receipt.window)),
        }
    }

    fn standings(&self, charge: &Charge, measure: Measure, now: u64, into: &mut Vec<Standing>) {
        let policy = charge.policy;
        let whole = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        if let (Some(rate), Some(pace)) = (charge.limit.rate, measure.pace) {
            let (limit, window) = if pace.burst() > u64::from(rate.count) {
                (whole(pace.burst()), Duration::from_micros(pace.capacity))
            } else {
                (rate.count, rate.per)
            };
            let remaining = whole(self.bucket.remaining(pace, now));
            let reset = Duration::from_micros(self.bucket.debt(pace, now));
            into.push(Standing { policy, part: Part::Rate, limit, remaining, window, reset });
        }
        if let (Some(quota), Some(most)) = (charge.limit.quota, measure.allowance) {
            let remaining = whole(self.window.remaining(most, now));
            let reset = Duration::from_micros(self.window.left(most, now));
            let (limit, window) = (quota.count, quota.per);
            into.push(Standing { policy, part: Part::Quota, limit, remaining, window, reset });
        }
    }
}

/// Of two accounts of the same parts the one that leaves less, part by part.
pub(super) fn tighten(standings: &mut Vec<Standing>, others: Vec<Standing>) {
    for other in others {
        let same = |it: &&mut Standing| (it.policy, it.part) == (other.policy, other.part);
        match standings.iter_mut().find(same) {
            Some(standing) if other.remaining < standing.remaining => *standing = other,
            Some(_) => (),
            None => standings.push(other),
        }
    }
}
