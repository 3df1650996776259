//! HTTP calls that this server makes, whomever to: never redirected, through a proxy only where the
//! settings name one, never read without bound.

mod dns;
mod transport;

pub use transport::{Transport, Wrong};

use std::error::Error;

use reqwest::{Client, Response};

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

/// A client for whoever needs no way of its own. Deadlines are the caller's business.
///
/// # Errors
/// When it cannot be made, for want of certificates; in words for the operator.
pub fn client() -> Result<Client, String> {
    Transport::default().client_for_anywhere()
}

/// A connection to the host of `error` failed: its name is looked up again before the next.
pub fn doubt_address(error: &reqwest::Error) {
    let host = error.url().and_then(|url| url.host_str());
    if let Some(host) = host.filter(|_| error.is_connect()) {
        dns::NAMES.doubt(host);
    }
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
