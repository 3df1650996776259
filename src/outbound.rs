//! HTTP calls that this server makes, whomever to: never redirected, never through a proxy, never
//! read without bound.

use std::{error::Error, time::Duration};

use reqwest::{Client, Response, redirect};

const USER_AGENT: &str = concat!("valetkey/", env!("CARGO_PKG_VERSION"));

/// Idle connections are dropped before any server is likely to drop them: a request sent into a
/// connection that is being closed fails.
const MAX_IDLE: Duration = Duration::from_secs(4);

/// Why an answer could not be read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// It is longer than anyone needs.
    #[error("it is too large")]
    TooLarge,
    /// It ended before its time.
    #[error("it is cut off")]
    Truncated,
}

/// A client without the habits that give secrets away. Deadlines are the caller's business.
///
/// # Errors
/// When it cannot be made, for want of certificates; in words for the operator.
pub fn client() -> Result<Client, String> {
    Client::builder()
        // A redirect would take a secret header along to another host.
        .redirect(redirect::Policy::none())
        // Who sets HTTPS_PROXY for something else must not get our traffic.
        .no_proxy()
        .pool_idle_timeout(MAX_IDLE)
        .user_agent(USER_AGENT)
        .build()
        .map_err(|error| format!("the HTTP client cannot be made: {}", root_cause(&error)))
}

/// The body, if it has at most `most` bytes.
///
/// # Errors
/// When it has more, or does not come to its end.
pub async fn read_capped(mut response: Response, most: usize) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| Unread::Truncated)? {
        if body.len() + chunk.len() > most {
            return Err(Unread::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What an error is made of, from the outside in.
pub fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source())
}

/// The innermost: reqwest's own words say only that something failed, and where, URL included.
#[must_use]
pub fn root_cause(error: &reqwest::Error) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}
