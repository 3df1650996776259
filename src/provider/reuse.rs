//! Which connection a request failed on: one that had carried an answer before, or a new one.
//!
//! A server closes a connection that has been idle for a while just when the next request is on its
//! way. That is no sign of trouble; the same on a new connection is.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::Extensions;
use hyper_util::client::legacy::{Error as ClientError, connect::HttpInfo};
use tokio::time::Instant;

use crate::outbound::causes;

/// How long a connection is remembered after its last answer: longer than one is kept idle, and not so
/// long that another may have got its address.
const MEMORY: Duration = Duration::from_secs(10);

/// From how many on they are tidied up.
const MANY: usize = 256;

/// The connections that carried an answer lately, by our own address.
#[derive(Clone, Debug, Default)]
pub(super) struct Reuse(Arc<Mutex<HashMap<SocketAddr, Instant>>>);

impl Reuse {
    /// An answer came.
    pub(super) fn answered(&self, extensions: &Extensions) {
        let Some(info) = extensions.get::<HttpInfo>() else { return };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MANY {
            known.retain(|_, answered| answered.elapsed() < MEMORY);
        }
        known.insert(info.local_addr(), Instant::now());
    }

    /// Whether the request was sent on a connection that had carried an answer, and that ended without
    /// another.
    pub(super) fn was_stale(&self, error: &reqwest::Error) -> bool {
        let Some(address) = causes(error).find_map(local_address) else { return false };
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&address);
        let lately = known.is_some_and(|answered| answered.elapsed() < MEMORY);
        lately && causes(error).any(is_end)
    }
}

fn local_address(cause: &(dyn std::error::Error + 'static)) -> Option<SocketAddr> {
    let mut extensions = Extensions::new();
    cause.downcast_ref::<ClientError>()?.connect_info()?.get_extras(&mut extensions);
    extensions.get::<HttpInfo>().map(HttpInfo::local_addr)
}

/// The end of a connection before a whole head. (Whether there was part of one cannot be known.)
fn is_end(cause: &(dyn std::error::Error + 'static)) -> bool {
    let incomplete = cause.downcast_ref::<hyper::Error>();
    let io = cause.downcast_ref::<io::Error>();
    incomplete.is_some_and(hyper::Error::is_incomplete_message)
        || io.is_some_and(|io| {
            matches!(
                io.kind(),
                io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
            )
        })
}
