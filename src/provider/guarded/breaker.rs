//! Whether a provider is worth asking: a state machine, to which time and chance are given.
//!
//! Times are since some fixed moment.

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn run(breaker: &mut Breaker, now: Duration, outcome: Outcome) -> Option<Change> {
        let pass = breaker.enter(now).expect("it is closed, or a probe is due");
        breaker.leave(pass, outcome, now, 1.0)
    }

    /// A breaker that opened at 0.
    fn opened() -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 1..IN_A_ROW {
            assert_eq!(run(&mut breaker, at(0), Outcome::Bad), None);
        }
        assert_eq!(run(&mut breaker, at(0), Outcome::Bad), Some(Change::Opened));
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_between_does_not() {
        let mut breaker = Breaker::default();
        for _ in 0..3 {
            for _ in 1..IN_A_ROW {
                assert_eq!(run(&mut breaker, at(0), Outcome::Bad), None);
            }
            // Enough good ones that no ratio opens it.
            for _ in 0..8 {
                assert_eq!(run(&mut breaker, at(0), Outcome::Good), None);
            }
        }
        assert_eq!(opened().enter(at(0)).unwrap_err(), at(1_000));
    }

    #[test]
    fn half_of_enough_outcomes_within_the_window_opens_it() {
        let mut breaker = Breaker::default();
        for n in 1..ENOUGH {
            let outcome = if n % 2 == 0 { Outcome::Good } else { Outcome::Bad };
            assert_eq!(run(&mut breaker, at(u64::from(n) * 400), outcome), None, "{n}");
        }
        assert_eq!(run(&mut breaker, at(9_900), Outcome::Bad), Some(Change::Opened));
    }

    #[test]
    fn what_is_older_than_the_window_does_not_count() {
        let mut breaker = Breaker::default();
        for n in 0..200 {
            let outcome = if n % 2 == 0 { Outcome::Good } else { Outcome::Bad };
            // Nineteen at most in any ten seconds.
            assert_eq!(run(&mut breaker, at(n * 600), outcome), None, "{n}");
        }
    }

    #[test]
    fn it_probes_with_one_request_at_a_time_and_closes_by_itself() {
        let mut breaker = opened();
        assert_eq!(breaker.enter(at(999)).unwrap_err(), at(1));
        let probe = breaker.enter(at(1_000)).unwrap();
        assert_eq!(breaker.enter(at(1_000)).unwrap_err(), PROBING);
        assert_eq!(breaker.leave(probe, Outcome::Good, at(1_500), 0.5), Some(Change::Closed));
        assert!(breaker.enter(at(1_500)).is_ok() && breaker.enter(at(1_500)).is_ok());
    }

    #[test]
    fn a_probe_that_was_given_up_makes_place_for_another() {
        let mut breaker = opened();
        let probe = breaker.enter(at(1_000)).unwrap();
        assert_eq!(breaker.leave(probe, Outcome::Unknown, at(1_100), 0.5), None);
        assert!(breaker.enter(at(1_100)).is_ok());
    }

    #[test]
    fn probes_that_fail_make_it_wait_longer_up_to_a_bound() {
        let mut breaker = opened();
        let mut now = at(1_000);
        for expected in [2, 4, 8, 16, 30, 30] {
            assert_eq!(run(&mut breaker, now, Outcome::Bad), None, "it was open before");
            let wait = breaker.enter(now).unwrap_err();
            assert_eq!(wait.as_secs(), expected);
            now += wait;
        }
        assert_eq!(run(&mut breaker, now, Outcome::Good), Some(Change::Closed));
        for _ in 0..IN_A_ROW {
            run(&mut breaker, now, Outcome::Bad);
        }
        assert_eq!(breaker.enter(now).unwrap_err(), FIRST, "it begins anew");
    }

    #[test]
    fn what_began_before_it_opened_says_nothing_of_it() {
        let mut breaker = Breaker::default();
        let early: Vec<_> = (0..3).map(|_| breaker.enter(at(0)).unwrap()).collect();
        for _ in 0..IN_A_ROW {
            run(&mut breaker, at(0), Outcome::Bad);
        }
        assert_eq!(breaker.leave(early[0], Outcome::Good, at(1), 0.5), None);
        assert!(breaker.enter(at(2)).is_err(), "it stays open");
        let probe = breaker.enter(at(1_000)).unwrap();
        assert_eq!(breaker.leave(early[1], Outcome::Unknown, at(1_001), 0.5), None);
        assert!(breaker.enter(at(1_002)).is_err(), "the probe's place is taken");
        assert_eq!(breaker.leave(early[2], Outcome::Bad, at(1_003), 0.5), None);
        assert_eq!(breaker.leave(probe, Outcome::Good, at(1_004), 0.5), Some(Change::Closed));
    }

    proptest! {
        /// Whatever happens: a wait is short and true, there is one probe at most, and a provider that
        /// answers again is asked again.
        #[test]
        fn it_never_locks_itself(
            steps in prop::collection::vec((0_u64..3_000, 0..4_u8, 0.0..=1.0_f64), 1..200)
        ) {
            let mut breaker = Breaker::default();
            let (mut now, mut under_way) = (at(0), Vec::new());
            for (passed, what, chance) in steps {
                now += at(passed);
                let outcome = match what {
                    0 => Outcome::Good,
                    1 => Outcome::Bad,
                    2 => Outcome::Unknown,
                    _ => {
                        match breaker.enter(now) {
                            Ok(pass) => under_way.push(pass),
                            Err(wait) => prop_assert!(wait > Duration::ZERO && wait <= MOST),
                        }
                        continue;
                    }
                };
                if let Some(pass) = under_way.pop() {
                    breaker.leave(pass, outcome, now, chance);
                }
                let probes = under_way.iter().filter(|pass| pass.epoch == breaker.epoch).count();
                if let State::Open { probing, .. } = breaker.state {
                    prop_assert_eq!(probes, usize::from(probing));
                }
            }
            for pass in under_way {
                breaker.leave(pass, Outcome::Unknown, now, 0.5);
            }
            let pass = breaker.enter(now + MOST).expect("it is asked again in time");
            breaker.leave(pass, Outcome::Good, now + MOST, 0.5);
            prop_assert!(breaker.enter(now + MOST).is_ok());
        }
    }
}
