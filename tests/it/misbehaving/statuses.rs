//! Every status from 300 to 599, each with nothing behind it and with what the providers really say.

use super::{Case, Counting, INVALID, LIMITED, REFUSED, Stage, Told, UNAVAILABLE, answer};
use crate::support::fixture::{self, Fixture};

/// What becomes of a status, whatever the body says.
fn told(status: u16) -> Told {
    match status {
        429 => LIMITED,
        408 | 500.. => UNAVAILABLE,
        400.. => REFUSED,
        _ => INVALID,
    }
}

/// The provider's answers, and nothing: behind its own status each, behind any other in turn.
fn bodies(fixtures: &[Fixture], status: u16) -> Vec<(&str, String)> {
    let text = |it: &Fixture| if it.body.is_null() { it.text.clone() } else { it.body.to_string() };
    let mut own: Vec<_> = fixtures
        .iter()
        .filter(|it| it.status == status)
        .map(|it| (it.name.as_str(), text(it)))
        .collect();
    let other = &fixtures[usize::from(status) % fixtures.len()];
    if own.is_empty() && status.is_multiple_of(2) {
        own.push((&other.name, text(other)));
    } else {
        own.push(("nothing", String::new()));
    }
    own
}

async fn every_status_of(kind: &'static str) {
    let fixtures = fixture::all(kind);
    let mut cases = Vec::new();
    for status in 300..600 {
        for (name, body) in bodies(&fixtures, status) {
            let answer = answer(status, "content-type: application/json\r\n", &body);
            let name = format!("{status} with {name}");
            cases.push(Case::new(name, kind, Counting::writing(answer), told(status)));
        }
    }
    assert!(cases.len() > 300);
    Stage::start(cases).play().await;
}

#[tokio::test]
async fn every_status_of_xai() {
    every_status_of("xai").await;
}

#[tokio::test]
async fn every_status_of_elevenlabs() {
    every_status_of("elevenlabs").await;
}
