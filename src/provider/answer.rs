//! What the adapters share in making requests and reading answers.

use std::collections::BTreeMap;

use reqwest::header::HeaderValue;
use serde::Deserialize;
use url::Url;

use super::{Invalid, ProviderError, Refusal, upstream::Answer};
use crate::secret::Secret;

/// The longest token that is passed on, in bytes. JWTs of other providers have about a thousand.
const MAX_TOKEN: usize = 4096;

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

/// A point in time as providers write it: Unix seconds, whole or not.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Seconds(f64);

impl Seconds {
    /// Whole Unix seconds. Past the year 5000 it can only be meant in milliseconds.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast from float saturates, and what it saturates to is refused as an expiry"
    )]
    pub(super) fn unix(self) -> u64 {
        let seconds = if self.0 > 1e11 { self.0 / 1000.0 } else { self.0 };
        seconds as u64
    }
}

/// A token that can travel as a WebSocket subprotocol, which is an HTTP token (RFC 9110, section
/// 5.6.2).
pub(super) fn subprotocol_token(token: String) -> Result<Secret, Invalid> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    token_of(allowed, token)
}

/// A token that travels encoded in a query.
pub(super) fn query_token(token: String) -> Result<Secret, Invalid> {
    token_of(|byte| byte.is_ascii_graphic(), token)
}

fn token_of(allowed: impl Fn(u8) -> bool, token: String) -> Result<Secret, Invalid> {
    if token.is_empty() || token.len() > MAX_TOKEN || !token.bytes().all(allowed) {
        return Err(Invalid::Token);
    }
    Ok(Secret::new(token))
}

/// An expiry in Unix seconds, if it can be true of a token that lives `longest` seconds at most.
pub(super) fn expiry(expires_at: u64, longest: u32, now: u64) -> Result<u64, Invalid> {
    let latest = now.saturating_add(u64::from(longest)).saturating_add(MAX_SKEW);
    let possible = now.saturating_sub(MAX_SKEW)..=latest;
    if possible.contains(&expires_at) { Ok(expires_at) } else { Err(Invalid::Expiry) }
}

/// What any provider means by a status, with `refusal` for what is left.
pub(super) fn refuse(answer: &Answer, refusal: Refusal) -> ProviderError {
    let (status, retry_after) = (answer.status, answer.retry_after);
    match status {
        429 => ProviderError::RateLimited { retry_after },
        // 408 is the provider's own haste, not our fault.
        408 | 500.. => ProviderError::Unavailable { status, retry_after },
        400.. => ProviderError::Refused { refusal, status },
        // Neither success nor failure: a 1xx cannot get here.
        _ => Invalid::NotJson.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unix(json: &str) -> u64 {
        serde_json::from_str::<Seconds>(json).unwrap().unix()
    }

    #[test]
    fn a_time_is_in_seconds_unless_it_can_only_be_in_milliseconds() {
        assert_eq!(unix("1764000000"), 1_764_000_000);
        assert_eq!(unix("1764000000.9"), 1_764_000_000);
        assert_eq!(unix("1764000000123"), 1_764_000_000);
        assert_eq!(unix("-5"), 0);
        assert_eq!(unix("1e300"), u64::MAX);
        assert!(serde_json::from_str::<Seconds>("\"1764000000\"").is_err());
    }

    #[test]
    fn an_expiry_lies_between_now_and_the_longest_lifetime_give_or_take_the_clocks() {
        let now = 1_764_000_000;
        for possible in [now - 60, now, now + 3600, now + 3660] {
            assert_eq!(expiry(possible, 3600, now), Ok(possible));
        }
        for impossible in [0, now - 61, now + 3661, u64::MAX] {
            assert_eq!(expiry(impossible, 3600, now), Err(Invalid::Expiry));
        }
    }

    #[test]
    fn a_token_can_travel_where_it_will_be_put() {
        let taken = |result: Result<Secret, Invalid>| result.is_ok();
        assert!(taken(subprotocol_token("abc-._~!".to_owned())));
        for odd in ["", "a b", "a\r\nb", "a,b", "a/b", "caf\u{e9}", &"x".repeat(MAX_TOKEN + 1)] {
            assert!(!taken(subprotocol_token(odd.to_owned())), "{odd:?} was taken");
        }
        assert!(taken(query_token("a/b+c==".to_owned())));
        assert!(!taken(query_token("a\tb".to_owned())));
    }
}
