//! One connection, of either version of HTTP.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
    thread::{self, ThreadId},
};

use bytes::Bytes;

use super::{
    Post,
    one::{Failed, One},
    reply::Came,
    two::Two,
};
use crate::outbound::connector::{Stream, Unconnected};

/// What requests are sent on.
pub(super) struct Connection {
    pub(super) way: Way,
    /// Where it was opened: from another thread each step has to be woken across.
    home: ThreadId,
    life: Arc<Life>,
}

pub(super) enum Way {
    One(One),
    Two(Two),
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
    /// Begins to speak HTTP.
    pub(super) async fn begin(
        stream: Box<dyn Stream>,
        is_two: bool,
        spare: bool,
    ) -> Result<Self, Unconnected> {
        let way = match is_two {
            true => Way::Two(Two::begin(stream).await?),
            false => Way::One(One::new(stream)),
        };
        let life = Arc::new(Life { spare, answered: AtomicBool::new(false) });
        Ok(Self { way, home: thread::current().id(), life })
    }

    /// The same once more, where requests share it.
    pub(super) fn share(&self) -> Option<Self> {
        let Way::Two(two) = &self.way else { return None };
        let way = Way::Two(two.share());
        Some(Self { way, home: self.home, life: self.life.clone() })
    }

    pub(super) const fn is_two(&self) -> bool {
        matches!(self.way, Way::Two(_))
    }

    /// Whether a request can be sent, as far as one can tell.
    pub(super) fn is_ready(&mut self) -> bool {
        match &mut self.way {
            Way::One(one) => one.is_open(),
            Way::Two(two) => two.is_ready(),
        }
    }

    /// Ready when no request can be sent any more. Not for those that share it.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.way {
            Way::One(one) => one.poll_end(cx),
            Way::Two(two) => two.poll_end(cx),
        }
    }

    /// Whether this is the thread where it was opened.
    pub(super) fn is_at_home(&self) -> bool {
        self.home == thread::current().id()
    }

    /// Whether the two are one.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.life, &other.life)
    }

    /// Whether its server may have closed it because nothing was sent for a while.
    pub(super) fn may_be_stale(&self) -> bool {
        self.life.spare || self.life.answered.load(Relaxed)
    }

    pub(super) async fn send(&mut self, post: &Post, body: &Bytes) -> Result<Came, Failed> {
        let came = match &mut self.way {
            Way::One(one) => Came::One(one.ask(post.one(body)).await?),
            Way::Two(two) => Came::Two(two.ask(post.two(body)).await?),
        };
        self.life.answered.store(true, Relaxed);
        Ok(came)
    }
}
