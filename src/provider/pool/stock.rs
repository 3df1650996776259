//! What a pool holds and wants: a state machine, to which time is given. It knows nothing of tokens but
//! for how long they are good, and hands each out once, because it has no other.
//!
//! Times are since some fixed moment.

use std::{collections::VecDeque, time::Duration};

use super::{
    demand::Demand,
    pace::{Begun, Pace},
};

/// What a pool keeps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    /// The most that there are, those on their way included.
    pub(super) size: u32,
    /// For how long after the last request it wants any.
    pub(super) idle: Duration,
    /// The most that are on their way at once.
    pub(super) refills: u32,
}

/// The stock.
#[derive(Debug)]
pub(super) struct Stock<T> {
    terms: Terms,
    demand: Demand,
    pace: Pace,
    /// Those that are good for the least time first.
    ready: VecDeque<Kept<T>>,
    on_their_way: u32,
    /// Counts the times that all was thrown away: what was on its way then is not wanted either.
    flushes: u32,
    phase: Phase,
}

#[derive(Debug)]
struct Kept<T> {
    item: T,
    until: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Filling,
    /// What is there can be had; there will be no more.
    Draining,
    Closed,
}

/// A mint that is on its way. To be given back with [`Stock::arrive`] or [`Stock::fail`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Order {
    begun: Begun,
    flushes: u32,
}

/// What to do next.
#[derive(Debug)]
pub(super) struct Plan {
    /// What is to be minted now.
    pub(super) orders: Vec<Order>,
    /// When to look again, if nothing happens before.
    pub(super) look_again: Option<Duration>,
    /// There is nothing to wait for.
    pub(super) is_done: bool,
}

impl<T> Stock<T> {
    pub(super) fn new(terms: Terms) -> Self {
        Self {
            demand: Demand::default(),
            pace: Pace::new(terms.refills),
            ready: VecDeque::new(),
            on_their_way: 0,
            flushes: 0,
            phase: Phase::Filling,
            terms,
        }
    }

    /// Someone asks. Of those that are good, also by `is_good`, the one that is so for the least time
    /// goes first, so that few are never used. Those before it go into `spoiled`.
    pub(super) fn take(
        &mut self,
        now: Duration,
        is_good: impl Fn(&T) -> bool,
        spoiled: &mut Vec<T>,
    ) -> Option<T> {
        if self.phase == Phase::Filling {
            self.demand.asked(now);
        }
        while let Some(Kept { item, until }) = self.ready.pop_front() {
            if now < until && is_good(&item) {
                return Some(item);
            }
            spoiled.push(item);
        }
        None
    }

    /// Takes out what is no longer good.
    pub(super) fn spoiled(&mut self, now: Duration) -> Vec<T> {
        let spoiled = self.ready.iter().take_while(|kept| kept.until <= now).count();
        self.ready.drain(..spoiled).map(|kept| kept.item).collect()
    }

    /// Takes out everything. What is on its way will not be taken in.
    pub(super) fn flush(&mut self) -> Vec<T> {
        self.flushes += 1;
        self.ready.drain(..).map(|kept| kept.item).collect()
    }

    /// From here on nothing more is minted.
    pub(super) fn drain(&mut self) {
        if self.phase == Phase::Filling {
            self.phase = Phase::Draining;
        }
    }

    /// From here on there is nothing here, and never will be.
    pub(super) fn close(&mut self) -> Vec<T> {
        self.phase = Phase::Closed;
        self.flush()
    }

    /// Whether there is anything to do for who fills it.
    pub(super) fn wants_more(&self, now: Duration) -> bool {
        self.missing(now) > 0
    }

    /// Says what to mint now; that is then on its way.
    pub(super) fn plan(&mut self, now: Duration) -> Plan {
        let orders: Vec<Order> = (0..self.missing(now)).map(|_| self.order(now)).collect();
        let is_over = self.phase != Phase::Filling || (self.is_idle(now) && self.ready.is_empty());
        let pause = self.pace.pauses_until(now).filter(|_| self.short(now) > 0);
        let idle = self.demand.last().map(|last| last + self.terms.idle).filter(|end| *end > now);
        let spoils = self.ready.front().map(|kept| kept.until);
        Plan {
            orders,
            look_again: pause.into_iter().chain(idle).chain(spoils).min(),
            is_done: is_over && self.on_their_way == 0,
        }
    }

    /// A token came that is good `until`. Gives it back where it is not wanted.
    pub(super) fn arrive(
        &mut self,
        order: Order,
        item: T,
        until: Duration,
        now: Duration,
    ) -> Result<(), T> {
        self.on_their_way -= 1;
        if until <= now {
            // It will not be better at once.
            self.pace.failed(order.begun, now, None, 0.0);
            return Err(item);
        }
        self.pace.succeeded(order.begun, now);
        if self.phase == Phase::Closed || order.flushes != self.flushes {
            return Err(item);
        }
        let later = self.ready.iter().rev().take_while(|kept| kept.until > until).count();
        self.ready.insert(self.ready.len() - later, Kept { item, until });
        Ok(())
    }

    /// None came. `wanted`: how long the provider wants to be left alone. `chance` is between 0 and 1.
    pub(super) fn fail(
        &mut self,
        order: Order,
        now: Duration,
        wanted: Option<Duration>,
        chance: f64,
    ) {
        self.on_their_way -= 1;
        self.pace.failed(order.begun, now, wanted, chance);
    }

    /// A caller got a token from the provider; whether that ends a pause.
    pub(super) fn others_succeed(&mut self, now: Duration) -> bool {
        self.pace.others_succeed(now)
    }

    fn order(&mut self, now: Duration) -> Order {
        self.on_their_way += 1;
        Order { begun: self.pace.begin(now), flushes: self.flushes }
    }

    /// How many to mint now.
    fn missing(&self, now: Duration) -> u32 {
        let short = self.short(now);
        let missing = short.saturating_add(self.on_their_way);
        let window = self.pace.window(now, self.demand.lately(now), missing);
        short.min(window.saturating_sub(self.on_their_way))
    }

    /// How many there are too few of.
    fn short(&self, now: Duration) -> u32 {
        let there = u32::try_from(self.ready.len()).unwrap_or(u32::MAX);
        self.wanted(now).saturating_sub(there.saturating_add(self.on_their_way))
    }

    /// As many as were asked for lately: with them it outlasts a provider that is as long away.
    fn wanted(&self, now: Duration) -> u32 {
        match self.phase {
            Phase::Filling if !self.is_idle(now) => {
                self.demand.lately(now).clamp(1, self.terms.size)
            }
            _ => 0,
        }
    }

    fn is_idle(&self, now: Duration) -> bool {
        self.demand.last().is_none_or(|last| now >= last + self.terms.idle)
    }
}

#[cfg(test)]
impl<T> Stock<T> {
    pub(super) fn counts(&self) -> (usize, u32) {
        (self.ready.len(), self.on_their_way)
    }
}
