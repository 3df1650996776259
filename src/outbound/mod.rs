//! HTTP calls that this server makes, whomever to: never redirected, through a proxy only where the
//! settings name one, never read without bound.

mod client;
mod connector;
mod dns;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod transport;

pub use client::{Client, Lost, Post, Reply};
pub use connector::Unconnected;
pub use transport::{Transport, Wrong};

use std::{error::Error, time::Duration};

use connector::CONNECTING;
use http::HeaderValue;
use reqwest::{Response, redirect, retry};

const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("valetkey/", env!("CARGO_PKG_VERSION")));

/// Idle connections are dropped before any server is likely to drop them: a request sent into a
/// connection that is being closed fails.
const MAX_IDLE: Duration = Duration::from_secs(4);

/// How often an HTTP/2 connection with requests in flight is tried, and how long that may take. One
/// that died unnoticed would take all requests, and never be idle.
const PING: Duration = Duration::from_secs(3);

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

/// A client for whoever needs no way of its own, and for whom it is fast enough. Deadlines are the
/// caller's business.
///
/// # Errors
/// When it cannot be made, for want of certificates; in words for the operator.
pub fn client() -> Result<reqwest::Client, String> {
    let client = reqwest::Client::builder()
        // A redirect would take a secret header along to another host.
        .redirect(redirect::Policy::none())
        // Only who counts them may try again.
        .retry(retry::never())
        // Who sets HTTPS_PROXY for something else must not get our traffic.
        .no_proxy()
        .dns_resolver(dns::NAMES.clone())
        .connect_timeout(CONNECTING)
        .pool_idle_timeout(MAX_IDLE)
        .http2_keep_alive_interval(PING)
        .http2_keep_alive_timeout(PING)
        .user_agent(USER_AGENT)
        .build();
    client.map_err(|error| format!("the HTTP client cannot be made: {}", root_cause(&error)))
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
