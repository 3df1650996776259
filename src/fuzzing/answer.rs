//! What providers answer.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

use super::{CANARY, line};
use crate::{
    provider::{
        ProviderError,
        fuzzing::{self, ANSWERED, ASKED, TTL},
    },
    token::Minted,
    web,
};

/// The longest token, in bytes.
const MAX_TOKEN: usize = 4096;

/// How far ahead of what was asked for an expiry may be, for the clocks' sake, in seconds.
const MAX_SKEW: u64 = 60;

/// The longest that a caller is told to wait, in seconds.
const MAX_WAIT: u64 = 300;

/// An answer gives a token that can be passed on, or an error that repeats nothing of it. The first
/// line says whose it is and with which status (`xai 200`), the rest is the body.
pub fn answer(data: &[u8]) {
    let (head, body) = line(data);
    let head = String::from_utf8_lossy(head);
    let mut words = head.split(' ');
    let kind = words.next().unwrap_or_default();
    let status = words.next().and_then(|word| word.parse().ok()).unwrap_or(200);
    match fuzzing::read(kind, status, None, body) {
        Ok(minted) => is_good(kind, status, body, &minted),
        Err(error) => says_nothing(error, body),
    }
}

fn is_good(kind: &str, status: u16, body: &[u8], minted: &Minted) {
    assert!((200..300).contains(&status), "a token came with {status}");
    let token = minted.token.expose();
    assert!((1..=MAX_TOKEN).contains(&token.len()));
    let fits = |letter: char| match kind {
        "xai" => letter.is_ascii_graphic() && !"\"(),/:;<=>?@[\\]{}".contains(letter),
        _ => letter.is_ascii_graphic(),
    };
    assert!(token.chars().all(fits), "{token:?}");
    let latest = match kind {
        "xai" => ANSWERED + u64::from(TTL) + MAX_SKEW,
        _ => ASKED + 900,
    };
    assert!((ASKED + 1..=latest).contains(&minted.expires_at), "{}", minted.expires_at);
    let body: Value = serde_json::from_slice(body).expect("a token is in JSON");
    assert!(holds(&body, token), "the token is not the provider's");
    assert!(!token.contains(CANARY) || !format!("{minted:?}").contains(CANARY));
}

fn holds(body: &Value, token: &str) -> bool {
    match body {
        Value::Object(fields) => fields.values().any(|it| holds(it, token)),
        other => other.as_str() == Some(token),
    }
}

fn says_nothing(error: ProviderError, body: &[u8]) {
    let shown = format!("{error} {error:?}");
    let (status, document) = web::fuzzing::failure(error);
    assert!((500..600).contains(&status), "it was the caller's fault: {status}");
    for text in [&shown, &document] {
        assert!(!text.contains(CANARY), "{text}");
    }
    // Nor anything else that is too long for one of our own words.
    let words = body.split(|byte| !byte.is_ascii_graphic()).filter(|word| word.len() >= 32);
    for word in words.filter_map(|word| str::from_utf8(word).ok()) {
        assert!(!shown.contains(word), "{shown} repeats {word}");
    }
}

/// A `Retry-After` is a number of seconds or a date, or it is not there; and nobody is told to wait
/// for ever.
pub fn retry_after(data: &[u8]) {
    let now = UNIX_EPOCH + Duration::from_secs(ASKED);
    let Ok(text) = str::from_utf8(data) else { return };
    let wait = fuzzing::retry_after(text, now);
    let seconds = text.trim();
    // Fractions are sent, too, though nobody may.
    let is_plain = seconds.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let named: Option<f64> = seconds.parse().ok().filter(|_| is_plain);
    match (wait, named) {
        (Some(wait), Some(named)) => {
            assert!(wait.as_secs_f64() <= named + 1e-6, "{text:?} is {wait:?}");
        }
        (Some(wait), None) => {
            let is_date = text.contains("GMT") || text.contains(':');
            assert!(is_date, "{text:?} is {wait:?}");
        }
        (None, named) => assert!(named.is_none(), "{text:?} was overlooked"),
    }
    for error in [
        ProviderError::RateLimited { retry_after: wait },
        ProviderError::Unavailable { status: 503, retry_after: wait },
    ] {
        let (_, document) = web::fuzzing::failure(error);
        let document: Value = serde_json::from_str(&document).expect("a problem is JSON");
        let told = document["retry_after"].as_u64();
        assert!(told.is_none_or(|told| (1..=MAX_WAIT).contains(&told)), "{told:?}");
        assert!(told.is_some() || wait.is_none());
    }
}
