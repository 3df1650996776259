use proptest::prelude::*;

use super::*;

const REFUSED: Outcome = Outcome::Refused { refusal: Refusal::Key, status: 401 };
const REFUSED_CAUSE: Cause = Cause::Refused { refusal: Refusal::Key, status: 401 };

const fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn run(availability: &mut Availability, now: Duration, outcome: Outcome) -> Option<Change> {
    let permit = availability.enter(now).expect("it is closed, or a probe is due");
    availability.leave(permit, outcome, now, 1.0)
}

/// How long whoever comes now is told to wait.
fn wait(availability: &mut Availability, now: Duration) -> Duration {
    match availability.enter(now).unwrap_err() {
        ProviderError::BreakerOpen { retry_after }
        | ProviderError::RateLimited { retry_after: Some(retry_after) } => retry_after,
        error => panic!("{error}"),
    }
}

/// Opened by failures at 0.
fn opened() -> Availability {
    let mut availability = Availability::default();
    for _ in 1..FAILURES_IN_A_ROW {
        assert_eq!(run(&mut availability, at(0), Outcome::Failed), None);
    }
    let opened = Change::Opened(Cause::Failures, at(1_000));
    assert_eq!(run(&mut availability, at(0), Outcome::Failed), Some(opened));
    availability
}

#[test]
fn failures_in_a_row_open_it_and_a_success_between_does_not() {
    let mut availability = Availability::default();
    for _ in 0..3 {
        for _ in 1..FAILURES_IN_A_ROW {
            assert_eq!(run(&mut availability, at(0), Outcome::Failed), None);
        }
        // Enough good ones that no ratio opens it.
        for _ in 0..8 {
            assert_eq!(run(&mut availability, at(0), Outcome::Good), None);
        }
    }
    assert_eq!(wait(&mut opened(), at(0)), at(1_000));
}

#[test]
fn half_of_enough_outcomes_within_the_window_opens_it() {
    let mut availability = Availability::default();
    for n in 1..ENOUGH {
        let outcome = if n % 2 == 0 { Outcome::Good } else { Outcome::Failed };
        assert_eq!(run(&mut availability, at(u64::from(n) * 400), outcome), None, "{n}");
    }
    let change = run(&mut availability, at(9_900), Outcome::Failed);
    assert!(matches!(change, Some(Change::Opened(Cause::Failures, _))));
}

#[test]
fn what_is_older_than_the_window_does_not_count() {
    let mut availability = Availability::default();
    for n in 0..200 {
        let outcome = if n % 2 == 0 { Outcome::Good } else { Outcome::Failed };
        // Nineteen at most in any ten seconds.
        assert_eq!(run(&mut availability, at(n * 600), outcome), None, "{n}");
    }
}

#[test]
fn it_probes_with_one_request_at_a_time_and_closes_by_itself() {
    let mut availability = opened();
    assert_eq!(wait(&mut availability, at(999)), at(1));
    assert!(!availability.is_available(at(999)) && availability.is_available(at(1_000)));
    let probe = availability.enter(at(1_000)).unwrap();
    assert!(!availability.is_available(at(1_000)));
    assert_eq!(wait(&mut availability, at(1_000)), PROBING);
    let change = availability.leave(probe, Outcome::Good, at(1_500), 0.5);
    assert_eq!(change, Some(Change::Closed(Cause::Failures)));
    assert!(availability.enter(at(1_500)).is_ok() && availability.enter(at(1_500)).is_ok());
}

#[test]
fn a_probe_that_was_given_up_makes_place_for_another() {
    let mut availability = opened();
    let probe = availability.enter(at(1_000)).unwrap();
    assert_eq!(availability.leave(probe, Outcome::Unknown, at(1_100), 0.5), None);
    assert!(availability.enter(at(1_100)).is_ok());
}

#[test]
fn probes_that_fail_make_it_wait_longer_up_to_a_bound() {
    let mut availability = opened();
    let mut now = at(1_000);
    for expected in [2, 4, 8, 16, 30, 30] {
        assert_eq!(run(&mut availability, now, Outcome::Failed), None, "it was open before");
        let wait = wait(&mut availability, now);
        assert_eq!(wait.as_secs(), expected);
        now += wait;
    }
    let closed = Some(Change::Closed(Cause::Failures));
    assert_eq!(run(&mut availability, now, Outcome::Good), closed);
    for _ in 0..FAILURES_IN_A_ROW {
        run(&mut availability, now, Outcome::Failed);
    }
    assert_eq!(wait(&mut availability, now), at(1_000), "it begins anew");
}

#[test]
fn replicas_probe_at_different_times() {
    let mut availability = Availability::default();
    for _ in 0..FAILURES_IN_A_ROW {
        let permit = availability.enter(at(0)).unwrap();
        availability.leave(permit, Outcome::Failed, at(0), 0.0);
    }
    assert_eq!(wait(&mut availability, at(0)), at(750));
}

#[test]
fn what_began_before_it_opened_says_nothing_of_it() {
    let mut availability = Availability::default();
    let early: Vec<_> = (0..3).map(|_| availability.enter(at(0)).unwrap()).collect();
    for _ in 0..FAILURES_IN_A_ROW {
        run(&mut availability, at(0), Outcome::Failed);
    }
    assert_eq!(availability.leave(early[0], Outcome::Good, at(1), 0.5), None);
    assert!(availability.enter(at(2)).is_err(), "it stays open");
    let probe = availability.enter(at(1_000)).unwrap();
    assert_eq!(availability.leave(early[1], Outcome::Unknown, at(1_001), 0.5), None);
    assert!(availability.enter(at(1_002)).is_err(), "the probe's place is taken");
    assert_eq!(availability.leave(early[2], Outcome::Failed, at(1_003), 0.5), None);
    let closed = Some(Change::Closed(Cause::Failures));
    assert_eq!(availability.leave(probe, Outcome::Good, at(1_004), 0.5), closed);

    let mut availability = Availability::default();
    let early: Vec<_> = (0..3).map(|_| availability.enter(at(0)).unwrap()).collect();
    run(&mut availability, at(0), REFUSED);
    for (permit, outcome) in early.into_iter().zip([REFUSED, Outcome::Good, Outcome::Limited(None)])
    {
        assert_eq!(availability.leave(permit, outcome, at(1_000), 1.0), None);
    }
    assert!(availability.enter(at(29_000)).is_err());
    assert!(availability.enter(at(30_000)).is_ok());
}

#[test]
fn a_refused_key_rests_longer_each_time_and_is_tried_by_one() {
    let mut availability = Availability::default();
    let opened = Some(Change::Opened(REFUSED_CAUSE, at(30_000)));
    assert_eq!(run(&mut availability, at(0), REFUSED), opened);
    let mut now = at(0);
    for pause in [30, 60, 120, 240, 480, 600, 600] {
        assert!(availability.enter(now + at(pause * 1_000 - 1)).is_err());
        now += at(pause * 1_000);
        let probe = availability.enter(now).expect("it is tried again");
        let error = availability.enter(now).unwrap_err();
        assert!(matches!(error, ProviderError::Refused { status: 401, .. }), "{error}");
        assert_eq!(availability.leave(probe, REFUSED, now, 1.0), None, "it was said before");
    }
    now += at(600_000);
    for outcome in [Outcome::Unknown, Outcome::Failed] {
        let probe = availability.enter(now).unwrap();
        assert_eq!(availability.leave(probe, outcome, now, 1.0), None);
    }
    let probe = availability.enter(now).expect("the place was given back");
    let closed = Some(Change::Closed(REFUSED_CAUSE));
    assert_eq!(availability.leave(probe, Outcome::Good, now, 1.0), closed);
    assert_eq!(run(&mut availability, now, REFUSED), opened, "it begins anew");
}

#[test]
fn a_limited_key_rests_as_long_as_it_is_told_to_within_sense() {
    for (told, rests) in [
        (None, 5),
        (Some(Duration::ZERO), 1),
        (Some(at(7_000)), 7),
        (Some(at(301_000)), 300),
        (Some(Duration::MAX), 300),
    ] {
        let rests = at(rests * 1_000);
        let mut availability = Availability::default();
        let opened = Some(Change::Opened(Cause::Limited, rests));
        let limited = Outcome::Limited(told);
        assert_eq!(run(&mut availability, at(10_000), limited), opened);
        assert_eq!(wait(&mut availability, at(10_000)), rests);
        let now = at(10_000) + rests;
        assert_eq!(run(&mut availability, now, limited), None, "the same again");
        let now = now + rests;
        assert!(availability.is_available(now));
        assert!(
            availability.enter(now).is_ok() && availability.enter(now).is_ok(),
            "nobody probes a limit"
        );
        assert!(availability.is_available(now));
        let closed = Some(Change::Closed(Cause::Limited));
        assert_eq!(run(&mut availability, now, Outcome::Good), closed);
    }
}

#[test]
fn a_failure_after_a_limit_is_the_first_of_those_that_open_it() {
    let mut availability = Availability::default();
    run(&mut availability, at(0), Outcome::Limited(None));
    let closed = Some(Change::Closed(Cause::Limited));
    assert_eq!(run(&mut availability, at(5_000), Outcome::Failed), closed);
    for _ in 2..FAILURES_IN_A_ROW {
        assert_eq!(run(&mut availability, at(5_000), Outcome::Failed), None);
    }
    let change = run(&mut availability, at(5_000), Outcome::Failed);
    assert_eq!(change, Some(Change::Opened(Cause::Failures, at(1_000))));
}

#[test]
fn another_cause_is_told() {
    let mut availability = opened();
    let change = run(&mut availability, at(1_000), REFUSED);
    assert_eq!(change, Some(Change::Opened(REFUSED_CAUSE, at(30_000))));
}

proptest! {
    /// Whatever happens: a wait is short and true, there is one probe at most, and a provider that
    /// answers again is asked again.
    #[test]
    fn it_never_locks_itself(
        steps in prop::collection::vec((0_u64..3_000, 0..6_u8, 0.0..=1.0_f64), 1..200)
    ) {
        let longest = REFUSAL_PAUSE[1];
        let mut availability = Availability::default();
        let (mut now, mut under_way) = (at(0), Vec::new());
        for (passed, what, chance) in steps {
            now += at(passed);
            let outcome = match what {
                0 => Outcome::Good,
                1 => Outcome::Failed,
                2 => Outcome::Unknown,
                3 => REFUSED,
                4 => Outcome::Limited(Some(at(2_000))),
                _ => {
                    match availability.enter(now) {
                        Ok(permit) => under_way.push(permit),
                        Err(ProviderError::BreakerOpen { retry_after }) => {
                            let most = FAILURE_PAUSE[1];
                            prop_assert!(retry_after > Duration::ZERO && retry_after <= most);
                        }
                        Err(_) => prop_assert!(availability.cause().is_some()),
                    }
                    continue;
                }
            };
            if let Some(permit) = under_way.pop() {
                availability.leave(permit, outcome, now, chance);
            }
            let probes =
                under_way.iter().filter(|permit| permit.epoch == availability.epoch).count();
            if let State::Open { probing, cause, .. } = availability.state
                && cause != Cause::Limited
            {
                prop_assert_eq!(probes, usize::from(probing));
            }
        }
        for permit in under_way {
            availability.leave(permit, Outcome::Unknown, now, 0.5);
        }
        let permit = availability.enter(now + longest).expect("it is asked again in time");
        availability.leave(permit, Outcome::Good, now + longest, 0.5);
        prop_assert!(availability.enter(now + longest).is_ok());
    }
}
