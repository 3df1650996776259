//! The client for what happens all the time and must cost little: one server, prepared requests, a
//! pool of connections. It follows no redirect, and repeats nothing that was begun.

mod connection;
pub(super) mod one;
mod pool;
mod post;
mod reply;
mod spare;
#[cfg(test)]
mod tests;
mod two;

pub use post::Post;
pub use reply::Reply;

use std::sync::Arc;

use bytes::Bytes;
use tokio_util::task::AbortOnDropHandle;

use self::{one::Failed, pool::Pool};
use super::connector::{Connector, Unconnected};

/// How many connections are tried of which it turns out that nothing can be sent any more.
const ATTEMPTS: u32 = 4;

/// A client for one server, with one pool of connections for all its copies.
#[derive(Clone)]
pub struct Client(Arc<Pool>);

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// The request was not even begun.
    #[error(transparent)]
    Unconnected(#[from] Unconnected),
    /// What came is not HTTP.
    #[error("the answer is not HTTP")]
    NotHttp,
    /// It was sent on a connection that had been open for a while, and that ended without an answer.
    #[error("the connection had been open for a while, and was closed without an answer")]
    Stale,
    /// It was sent on a new connection.
    #[error("the connection was closed without an answer")]
    HungUp,
}

impl Client {
    pub(super) fn new(connector: Connector) -> Self {
        Self(Arc::new(Pool::new(connector)))
    }

    /// Sends `post` with `body`. The deadline is the caller's business.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn send(&self, post: &Post, body: Bytes) -> Result<Reply, Lost> {
        for _ in 0..ATTEMPTS {
            let (mut connection, is_new) = self.0.connection().await?;
            match connection.send(post, &body).await {
                Ok(came) => return Ok(Reply { came, connection, pool: self.0.clone() }),
                Err(Failed::Unsent) if !is_new => (),
                Err(Failed::Lost(lost)) => return Err(lost),
                Err(_) if connection.may_be_stale() => return Err(Lost::Stale),
                Err(_) => return Err(Lost::HungUp),
            }
        }
        Err(Unconnected::NoConnection.into())
    }

    /// From now on one connection more than are used is kept, so that no request has to wait for one.
    /// Ends with the last copy, and needs a runtime.
    pub fn keep_warm(&self) {
        let mut kept = self.0.kept();
        if kept.keeper.is_none() {
            let keeper = tokio::spawn(spare::keep_one(Arc::downgrade(&self.0)));
            kept.keeper = Some(AbortOnDropHandle::new(keeper));
        }
    }

    /// No longer.
    pub fn let_cool(&self) {
        let mut kept = self.0.kept();
        (kept.keeper, kept.spare) = (None, None);
    }
}
