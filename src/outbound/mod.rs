//! HTTP calls that this server makes, whomever to: never redirected, through a proxy only where the
//! settings name one, never read without bound.

mod client;
mod error;
mod resolver;
#[cfg(test)]
mod tests;
mod transport;

pub use client::{Client, PreparedPost, Reply};
pub use error::{ConnectError, ReadError, SendError};
pub use transport::{Transport, Wrong};

use std::time::Duration;

use http::HeaderValue;

const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("valetkey/", env!("CARGO_PKG_VERSION")));

/// The longest that connecting may take, with the name's lookup and TLS. Whoever takes longer will
/// not answer in time either.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Idle connections are dropped before any server is likely to drop them: a request sent into a
/// connection that is being closed fails.
const MAX_IDLE: Duration = Duration::from_secs(4);

/// How often an HTTP/2 connection with requests in flight is tried, and how long that may take. One
/// that died unnoticed would take all requests, and never be idle.
const PING: Duration = Duration::from_secs(3);
