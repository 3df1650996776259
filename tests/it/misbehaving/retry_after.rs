//! Every form of `Retry-After`. What callers are told is a number of seconds that makes sense.

use super::{Case, Counting, LIMITED, Stage, UNAVAILABLE, UNREACHABLE, answer, in_seconds};

/// What is told where there is none that can be read: the problem's own, 5 or 2 seconds.
const NONE: [u64; 2] = [0, 0];

/// The longest.
const MOST: u64 = 300;

/// A date from now.
fn date(seconds: i64) -> String {
    let unix = u64::try_from(in_seconds(seconds)).unwrap();
    httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_secs(unix))
}

#[tokio::test]
async fn every_form_of_retry_after() {
    let forms: Vec<(String, [u64; 2])> = vec![
        (String::new(), NONE),
        ("retry-after: 7\r\n".into(), [7, 7]),
        ("retry-after:\t 7 \r\n".into(), [7, 7]),
        ("retry-after: 007\r\n".into(), [7, 7]),
        ("retry-after: 300\r\n".into(), [300, 300]),
        ("retry-after: 301\r\n".into(), [MOST, MOST]),
        ("retry-after: 86400\r\n".into(), [MOST, MOST]),
        ("retry-after: 18446744073709551615\r\n".into(), [MOST, MOST]),
        ("retry-after: 99999999999999999999999999\r\n".into(), [MOST, MOST]),
        (format!("retry-after: {}\r\n", date(60)), [50, 60]),
        (format!("retry-after: {}\r\n", date(1_000_000)), [MOST, MOST]),
        ("retry-after: Fri, 31 Dec 9999 23:59:59 GMT\r\n".into(), [MOST, MOST]),
        ("retry-after: -1\r\n".into(), NONE),
        ("retry-after: +7\r\n".into(), NONE),
        ("retry-after: 1.5\r\n".into(), [2, 2]),
        ("retry-after: 1e3\r\n".into(), NONE),
        ("retry-after: soon\r\n".into(), NONE),
        ("retry-after: \r\n".into(), NONE),
        ("retry-after: 7, 9\r\n".into(), NONE),
        ("retry-after: Sun, 06 Nov\r\n".into(), NONE),
        ("retry-after: \u{e9}\r\n".into(), NONE),
        ("retry-after: 7\r\nretry-after: 9\r\n".into(), [9, 9]),
        ("retry-after: soon\r\nretry-after: 9\r\n".into(), [9, 9]),
    ];
    let mut cases = Vec::new();
    for (headers, wait) in &forms {
        // Who says when to come back has put us off, and minted nothing.
        let unavailable = if *wait == NONE { UNAVAILABLE } else { UNREACHABLE };
        for (status, told) in [(429, LIMITED), (503, unavailable)] {
            let answer = answer(status, headers, "");
            let name = format!("{status} {}", headers.trim_end());
            cases.push(Case::eleven(name, Counting::writing(answer), told));
        }
    }
    let stage = Stage::start(cases);
    for (place, case) in stage.cases.iter().enumerate() {
        let [least, most] = match forms[place / 2].1 {
            NONE if case.told == LIMITED => [5, 5],
            NONE => [2, 2],
            range => range,
        };
        let outcome = stage.try_one(place).await;
        let seconds = outcome.answer.json()["retry_after"].as_u64().unwrap();
        assert!((least..=most).contains(&seconds), "{}: {seconds}", case.name);
    }
}

/// Each for itself: a provider that may be asked again at once is not asked again by us.
#[tokio::test]
async fn a_time_that_is_over_is_a_moment() {
    for headers in ["retry-after: 0\r\n".to_owned(), format!("retry-after: {}\r\n", date(-60))] {
        for (status, told) in [(429, LIMITED), (503, UNREACHABLE)] {
            let answer = answer(status, &headers, "");
            let case = Case::eleven(headers.clone(), Counting::writing(answer), told);
            let stage = Stage::start(vec![case]);
            let outcome = stage.try_one(0).await;
            assert_eq!(outcome.answer.json()["retry_after"], 1, "{headers}");
        }
    }
}
