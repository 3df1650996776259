//! One connection, of either version of HTTP.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, ThreadId},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::task::JoinHandle;

use crate::outbound::{
    PING,
    connector::{Connected, Unconnected},
};

/// The most that is buffered of what comes and of what goes. A head must fit.
const BUFFER: usize = 32 * 1024;

pub(super) type Body = Full<Bytes>;

/// What requests are sent on.
pub(super) struct Connection {
    sender: Sender,
    /// Where its task runs: from another thread each step has to be woken across.
    home: ThreadId,
    life: Arc<Life>,
}

enum Sender {
    One(http1::SendRequest<Body>),
    Two(http2::SendRequest<Body>),
}

/// What tells a connection that its server may be just about to close from a new one.
#[derive(Debug)]
struct Life {
    /// It was made before there was a request for it.
    spare: bool,
    /// It has carried an answer.
    answered: AtomicBool,
}

impl Connection {
    /// Begins to speak HTTP, in a task that ends with the connection.
    pub(super) async fn begin(
        stream: Connected,
        is_two: bool,
        spare: bool,
    ) -> Result<(Self, JoinHandle<()>), Unconnected> {
        let failed = |error: hyper::Error| {
            tracing::debug!(cause = %error, "no connection");
            Unconnected::NoConnection
        };
        let (sender, task) = if is_two {
            let mut two = http2::Builder::new(TokioExecutor::new());
            two.timer(TokioTimer::new()).keep_alive_interval(PING).keep_alive_timeout(PING);
            let (sender, connection) = two.handshake(stream).await.map_err(failed)?;
            (Sender::Two(sender), tokio::spawn(async move { ended(connection.await) }))
        } else {
            let mut one = http1::Builder::new();
            one.max_buf_size(BUFFER);
            let (mut sender, connection) = one.handshake(stream).await.map_err(failed)?;
            let task = tokio::spawn(async move { ended(connection.await) });
            sender.ready().await.map_err(failed)?;
            (Sender::One(sender), task)
        };
        let life = Arc::new(Life { spare, answered: AtomicBool::new(false) });
        Ok((Self { sender, home: thread::current().id(), life }, task))
    }

    /// The same once more, where requests share it.
    pub(super) fn share(&self) -> Option<Self> {
        match &self.sender {
            Sender::One(_) => None,
            Sender::Two(sender) => {
                let sender = Sender::Two(sender.clone());
                Some(Self { sender, home: self.home, life: self.life.clone() })
            }
        }
    }

    pub(super) fn is_two(&self) -> bool {
        matches!(self.sender, Sender::Two(_))
    }

    /// Whether a request can be sent, as far as one can tell.
    pub(super) fn is_ready(&self) -> bool {
        match &self.sender {
            Sender::One(sender) => sender.is_ready(),
            Sender::Two(sender) => sender.is_ready(),
        }
    }

    /// Whether its task runs on this thread.
    pub(super) fn is_at_home(&self) -> bool {
        self.home == thread::current().id()
    }

    /// Whether no request can be sent any more.
    pub(super) fn is_closed(&self) -> bool {
        match &self.sender {
            Sender::One(sender) => sender.is_closed(),
            Sender::Two(sender) => sender.is_closed(),
        }
    }

    /// Whether the two are one.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.life, &other.life)
    }

    /// Whether its server may have closed it because nothing was sent for a while.
    pub(super) fn may_be_stale(&self) -> bool {
        self.life.spare || self.life.answered.load(Relaxed)
    }

    pub(super) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Body>>> {
        let response = match &mut self.sender {
            Sender::One(sender) => sender.try_send_request(request).await?,
            Sender::Two(sender) => sender.try_send_request(request).await?,
        };
        self.life.answered.store(true, Relaxed);
        Ok(response)
    }
}

fn ended(result: hyper::Result<()>) {
    if let Err(error) = result {
        tracing::debug!(cause = %error, "a connection ended");
    }
}
