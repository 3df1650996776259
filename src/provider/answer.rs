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
