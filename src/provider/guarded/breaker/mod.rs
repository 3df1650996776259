//! Whether a provider is worth asking: a state machine, to which time and chance are given.
//!
//! Times are since some fixed moment.

#[cfg(test)]
mod tests;

use std::time::Duration;

/// So many failures one after the other open it.
const IN_A_ROW: u32 = 5;

/// So does half of the outcomes of a while, where there are that many at least.
const ENOUGH: u32 = 20;

/// That while, in seconds.
const WINDOW: usize = 10;

/// How long it is open at first. It doubles with every probe that fails.
const FIRST: Duration = Duration::from_secs(1);

/// How long it is open at most.
const MOST: Duration = Duration::from_secs(30);

/// What those are told to wait who come while a probe is on its way.
const PROBING: Duration = Duration::from_secs(1);

/// A breaker, closed at first.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: State,
    /// Counts the changes of the state: an outcome says nothing of a state that began after its request.
    epoch: u32,
}

#[derive(Debug)]
enum State {
    Closed { in_a_row: u32, window: Window },
    Open { until: Duration, pause: Duration, probing: bool },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { in_a_row: 0, window: Window::default() }
    }
}

/// Permission for one request. Every one is to be given back with [`Breaker::leave`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    epoch: u32,
}

/// What a request says of its provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It answers, whatever it answers.
    Good,
    /// It fails.
    Bad,
    /// Nothing: the request was given up.
    Unknown,
}

/// What an outcome changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It opened.
    Opened,
    /// It closed again.
    Closed,
}

impl Breaker {
    /// Asks to make a request; how long to wait, if there is to be none.
    pub(super) fn enter(&mut self, now: Duration) -> Result<Pass, Duration> {
        match &mut self.state {
            State::Closed { .. } => (),
            State::Open { until, .. } if now < *until => return Err(*until - now),
            State::Open { probing: true, .. } => return Err(PROBING),
            State::Open { probing, .. } => *probing = true,
        }
        Ok(Pass { epoch: self.epoch })
    }

    /// Whether it would let someone in.
    pub(super) fn is_open(&self, now: Duration) -> bool {
        match self.state {
            State::Closed { .. } => true,
            State::Open { until, probing, .. } => now >= until && !probing,
        }
    }

    /// Whether it lets everyone in.
    pub(super) fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }

    /// Tells what came of a request. `chance` is between 0 and 1.
    pub(super) fn leave(
        &mut self,
        pass: Pass,
        outcome: Outcome,
        now: Duration,
        chance: f64,
    ) -> Option<Change> {
        if pass.epoch != self.epoch {
            return None;
        }
        match &mut self.state {
            State::Closed { in_a_row, window } => {
                match outcome {
                    Outcome::Good => *in_a_row = 0,
                    Outcome::Bad => *in_a_row += 1,
                    Outcome::Unknown => return None,
                }
                window.add(now, outcome == Outcome::Bad);
                let fails = *in_a_row >= IN_A_ROW || window.is_half_bad();
                fails.then(|| {
                    self.open(FIRST, now, chance);
                    Change::Opened
                })
            }
            // Within one epoch of an open breaker there is one request at a time, the probe.
            State::Open { pause, probing, .. } => match outcome {
                Outcome::Good => {
                    self.state = State::default();
                    self.epoch += 1;
                    Some(Change::Closed)
                }
                Outcome::Bad => {
                    let pause = (*pause * 2).min(MOST);
                    self.open(pause, now, chance);
                    None
                }
                Outcome::Unknown => {
                    *probing = false;
                    None
                }
            },
        }
    }

    fn open(&mut self, pause: Duration, now: Duration, chance: f64) {
        // Replicas that lost the same provider do not all probe it at the same moment.
        let until = now + pause.mul_f64(0.75 + chance / 4.0);
        self.state = State::Open { until, pause, probing: false };
        self.epoch += 1;
    }
}

/// The outcomes of the last seconds, by second.
#[derive(Debug, Default)]
struct Window {
    slots: [Slot; WINDOW],
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    second: u64,
    all: u32,
    bad: u32,
}

impl Window {
    fn add(&mut self, now: Duration, bad: bool) {
        let second = now.as_secs();
        let oldest = second.saturating_sub(WINDOW as u64 - 1);
        for slot in &mut self.slots {
            if slot.second < oldest {
                *slot = Slot::default();
            }
        }
        // In the window a second has the slot to itself.
        let slot = &mut self.slots[usize::try_from(second % WINDOW as u64).unwrap_or_default()];
        slot.second = second;
        slot.all += 1;
        slot.bad += u32::from(bad);
    }

    fn is_half_bad(&self) -> bool {
        let sum = |of: fn(&Slot) -> u32| self.slots.iter().map(of).sum::<u32>();
        let (all, bad) = (sum(|slot| slot.all), sum(|slot| slot.bad));
        all >= ENOUGH && bad * 2 >= all
    }
}
