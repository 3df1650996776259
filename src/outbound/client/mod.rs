//! The client for what happens all the time and must cost little: one server, prepared requests, a
//! pool of connections. It follows no redirect, and repeats nothing that was begun.

mod connection;
mod pool;
mod post;
mod spare;
#[cfg(test)]
mod tests;

pub use post::Post;

use std::{io, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio_util::task::AbortOnDropHandle;

use self::{connection::Connection, pool::Pool};
use super::{
    Unread, causes,
    connector::{Connector, Unconnected, minds_our_certificate},
};

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

/// The head of an answer, and a way to its body. Dropped before that is read, it takes its connection
/// along.
pub struct Reply {
    response: Response<Incoming>,
    connection: Connection,
    pool: Arc<Pool>,
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
            let request = post.request(body.clone(), connection.is_two());
            let mut error = match connection.send(request).await {
                Ok(response) => return Ok(Reply { response, connection, pool: self.0.clone() }),
                Err(error) => error,
            };
            // Who gets the request back knows that nothing of it was sent.
            if is_new || error.take_message().is_none() {
                return Err(lost(&error.into_error(), connection.may_be_stale()));
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

impl Reply {
    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The body, if it has at most `most` bytes.
    ///
    /// # Errors
    /// When it has more, or does not come to its end.
    pub async fn read_capped(self, most: usize) -> Result<Vec<u8>, Unread> {
        let mut incoming = self.response.into_body();
        let expected = usize::try_from(incoming.size_hint().lower()).unwrap_or(most);
        let mut body = Vec::with_capacity(expected.min(most));
        while let Some(frame) = incoming.frame().await {
            // What is no data are trailers.
            let Ok(chunk) = frame.map_err(|_| Unread::Truncated)?.into_data() else { continue };
            if body.len() + chunk.len() > most {
                return Err(Unread::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        self.pool.give_back(self.connection);
        Ok(body)
    }
}

fn lost(error: &hyper::Error, may_be_stale: bool) -> Lost {
    let cause = causes(error).last().map(ToString::to_string).unwrap_or_default();
    tracing::debug!(cause, "the request failed");
    if error.is_parse() {
        Lost::NotHttp
    } else if minds_our_certificate(error) {
        Unconnected::ClientCertificate.into()
    } else if error.is_canceled() {
        Unconnected::NoConnection.into()
    } else if may_be_stale && is_end(error) {
        Lost::Stale
    } else {
        Lost::HungUp
    }
}

/// The end of a connection before a whole head. (Whether there was part of one cannot be known.)
fn is_end(error: &hyper::Error) -> bool {
    let io = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>());
    let kinds = [
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::ConnectionAborted,
        io::ErrorKind::BrokenPipe,
    ];
    error.is_incomplete_message() || { io }.any(|io| kinds.contains(&io.kind()))
}
