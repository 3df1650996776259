//! What the adapters share in making requests and reading answers.

use std::{collections::BTreeMap, ops::RangeInclusive};

use http::HeaderValue;
use serde_json::{Map, Value};
use url::Url;

use super::{Invalid, ProviderError, Refusal, upstream::Answer};
use crate::base::{secret::Secret, strict_json};

/// The longest token that is passed on, in bytes. JWTs of other providers have about a thousand.
const MAX_TOKEN: usize = 4096;

/// How deep objects and arrays may lie in each other in an answer.
const MAX_DEPTH: usize = 64;

/// How far our clock and a provider's may be apart, in seconds.
const MAX_SKEW: u64 = 60;

/// A header value that nothing will print.
pub(super) fn sensitive(text: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| "the API key has characters that cannot travel in a header".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Adds the configured connection parameters to `url`.
pub(super) fn add_query<'a>(
    url: &mut Url,
    parameters: impl IntoIterator<Item = (&'a String, &'a String)>,
) {
    let parameters: BTreeMap<_, _> = parameters.into_iter().collect();
    if !parameters.is_empty() {
        url.query_pairs_mut().extend_pairs(parameters);
    }
}

/// The body, if it is a JSON object. Nothing is deserialized into a struct here: `serde` would take
/// an array for one, and a list of error words for a token. A field that is there twice is refused: what
/// the provider means by it is not known.
pub(super) fn object(answer: &Answer) -> Option<Map<String, Value>> {
    strict_json::object(&answer.body, "it", MAX_DEPTH).ok()
}

/// A point in time, in Unix seconds, whole or not. Past the year 5000 it can only be meant in
/// milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from float saturates, and what it saturates to is refused as an expiry"
)]
pub(super) fn unix(time: &Value) -> Option<u64> {
    let time = time.as_f64()?;
    let seconds = if time > 1e11 { time / 1000.0 } else { time };
    Some(seconds as u64)
}

/// When a token can expire, in Unix seconds, that was asked for with a lifetime of `ttl` seconds and
/// answered at these times: after it was asked for, and no later than its lifetime and the clocks'
/// difference allow.
pub(super) fn possible_expiry(asked: u64, answered: u64, ttl: u32) -> RangeInclusive<u64> {
    asked + 1..=answered + u64::from(ttl) + MAX_SKEW
}

/// A token that can travel as a WebSocket subprotocol, which is an HTTP token (RFC 9110, section
/// 5.6.2).
pub(super) fn subprotocol_token(token: &str) -> Result<Secret, Invalid> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    token_of(allowed, token)
}

/// A token that travels encoded in a query.
pub(super) fn query_token(token: &str) -> Result<Secret, Invalid> {
    token_of(|byte| byte.is_ascii_graphic(), token)
}

fn token_of(allowed: impl Fn(u8) -> bool, token: &str) -> Result<Secret, Invalid> {
    if token.is_empty() || token.len() > MAX_TOKEN || !token.bytes().all(allowed) {
        return Err(Invalid::Token);
    }
    Ok(Secret::new(token))
}

/// What any provider means by a status, with `refusal` for what is left.
pub(super) fn refuse(answer: &Answer, refusal: Refusal) -> ProviderError {
    let (status, retry_after) = (answer.status, answer.retry_after);
    match status {
        429 => ProviderError::RateLimited { retry_after },
        // 408 is the provider's own haste, not our fault.
        408 | 500..=599 => ProviderError::Unavailable { status, retry_after },
        400..=499 => ProviderError::Refused { refusal, status },
        // Neither success nor failure, if it is a status at all.
        _ => Invalid::NotJson.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_is_in_seconds_unless_it_can_only_be_in_milliseconds() {
        assert_eq!(unix(&json!(1_764_000_000)), Some(1_764_000_000));
        assert_eq!(unix(&json!(1_764_000_000.9)), Some(1_764_000_000));
        assert_eq!(unix(&json!(1_764_000_000_123_u64)), Some(1_764_000_000));
        assert_eq!(unix(&json!(-5)), Some(0));
        assert_eq!(unix(&json!(1e300)), Some(u64::MAX));
        assert_eq!(unix(&json!("1764000000")), None);
    }

    #[test]
    fn a_token_expires_within_the_lifetime_that_was_asked_for() {
        let possible = possible_expiry(1000, 1005, 300);
        for (time, expected) in
            [(1000, false), (1001, true), (1300, true), (1365, true), (1366, false)]
        {
            assert_eq!(possible.contains(&time), expected, "{time}");
        }
    }

    #[test]
    fn only_an_object_is_read() {
        let body = |text: &str| {
            object(&Answer { status: 200, retry_after: None, body: text.into() }).is_some()
        };
        assert!(body(r#"{"token":"x"}"#));
        for other in
            ["", "[\"forbidden\"]", "\"forbidden\"", "null", "<html>", "{", r#"{"a":1,"a":1}"#]
        {
            assert!(!body(other), "{other} was taken");
        }
    }

    #[test]
    fn a_token_can_travel_where_it_will_be_put() {
        assert!(subprotocol_token("abc-._~!").is_ok());
        for odd in ["", "a b", "a\r\nb", "a,b", "a/b", "caf\u{e9}", &"x".repeat(MAX_TOKEN + 1)] {
            assert!(subprotocol_token(odd).is_err(), "{odd:?} was taken");
        }
        assert!(query_token("a/b+c==").is_ok());
        assert!(query_token("a\tb").is_err());
    }
}
