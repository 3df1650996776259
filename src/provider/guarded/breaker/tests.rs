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
