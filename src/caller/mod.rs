//! Who asks, and from where. Knows the headers of a request, and nothing of tokens.

mod address;
mod claims;
mod forward;
mod host;
mod identify;
mod jwt;
mod keys;
mod origin;

pub use address::{client_address, is_trusted, limit_key};
pub use claims::Claims;
pub use identify::Callers;
pub use keys::{PUBLISHABLE_PREFIX, SECRET_PREFIX, sha256};
pub use origin::{NotWelcome, is_welcome};

#[cfg(any(test, fuzzing))]
pub(crate) use jwt::fuzzing;

use std::{fmt, net::IpAddr, sync::Arc};

use http::{HeaderMap, Method};

use crate::settings::{Origin, Via};

/// Someone who may ask.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The name in the log, the audit and the limits: unique among those known in the same way.
    pub id: Arc<str>,
    /// How it is known.
    pub via: Via,
    /// Who vouches for it, where several could.
    pub issuer: Option<Arc<str>>,
    /// What its issuer says of it.
    pub claims: Claims,
    /// The origins that its key is good for, where the key says so.
    pub origins: Option<Arc<[Origin]>>,
}

/// What is known of a request before it is known whose it is.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path, without the query.
    pub path: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// Who is connected: the client, or the last proxy in front of us.
    pub peer: IpAddr,
    /// Whether that is one of the trusted proxies.
    pub peer_is_trusted: bool,
    /// The client, as far as trusted proxies tell.
    pub client: IpAddr,
}

impl fmt::Debug for Asking<'_> {
    /// Without the headers: the credential is among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking")
            .field("method", self.method)
            .field("path", &self.path)
            .field("peer", &self.peer)
            .field("peer_is_trusted", &self.peer_is_trusted)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

/// Why nobody is known to ask. The reasons are for the log alone: the caller learns only that it
/// is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// There is no credential that would be looked at.
    #[error("there is no credential")]
    Missing,
    /// There is one, and it is wrong.
    #[error("the credential is wrong: {0}")]
    Wrong(&'static str),
    /// It came through a proxy from another machine, and only this one may ask.
    #[error(
        "it came from another machine, through a proxy on this one, and nobody is named who may ask: \
         docs/access.md shows the ways"
    )]
    Proxied,
    /// There are cookies, and the application knows nobody by them. Everyone has some cookie, so
    /// that nobody need have guessed.
    #[error("the application knows nobody by these cookies")]
    SignedOut,
    /// The application knows the caller, and says no.
    #[error("the application says no")]
    Forbidden,
    /// Who would know cannot be asked now.
    #[error("who would know cannot be asked: {0}")]
    Unavailable(&'static str),
}
