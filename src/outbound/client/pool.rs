//! The connections to one server.
//!
//! With HTTP/1.1 each carries one request at a time, and what was used last is used next. With HTTP/2
//! there is one for all, and who comes while it is being made waits for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep_until},
};
use tokio_util::task::AbortOnDropHandle;

use super::connection::Connection;
use crate::outbound::{MAX_IDLE, connector::Connector, connector::Unconnected};

pub(super) struct Pool {
    connector: Connector,
    kept: Mutex<Kept>,
}

/// What there is to be used.
#[derive(Default)]
pub(super) struct Kept {
    /// Those of HTTP/1.1 that carry nothing now, the one used last at the end.
    idle: Vec<Idle>,
    /// The one of HTTP/2.
    shared: Option<Idle>,
    pub(super) spare: Option<Spare>,
    /// Keeps the spare one, if there shall be one.
    pub(super) keeper: Option<AbortOnDropHandle<()>>,
    /// Making a connection that may be for all.
    flight: Option<Flight>,
    /// The server is one that wants a single connection, as far as is known.
    may_share: bool,
    /// Those that are idle for too long are being looked for.
    is_tidied: bool,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

/// A connection that nothing was sent on.
pub(super) struct Spare {
    pub(super) connection: Connection,
    /// When its server may be about to close it.
    pub(super) until: Instant,
    /// Dropped when it is taken.
    pub(super) _taken: oneshot::Sender<()>,
}

type Flight = Shared<BoxFuture<'static, Result<(), Unconnected>>>;

enum Next {
    Use(Connection),
    Wait(Flight),
    Connect,
}

impl Pool {
    pub(super) fn new(connector: Connector) -> Self {
        let kept = Kept { may_share: connector.may_share(), ..Kept::default() };
        Self { connector, kept: Mutex::new(kept) }
    }

    /// A connection; and whether it is a new one. What it takes to make one is boxed: it is many times
    /// as large as all else that a request waits for, and mostly not needed.
    pub(super) async fn connection(self: &Arc<Self>) -> Result<(Connection, bool), Unconnected> {
        let flight = match self.next() {
            Next::Use(connection) => return Ok((connection, false)),
            Next::Connect => return Box::pin(self.connect()).await,
            Next::Wait(flight) => flight,
        };
        flight.await?;
        match self.next() {
            Next::Use(connection) => Ok((connection, false)),
            Next::Connect => Box::pin(self.connect()).await,
            // It is gone already. To make one after the other would not help.
            Next::Wait(_) => Err(Unconnected::NoConnection),
        }
    }

    fn next(self: &Arc<Self>) -> Next {
        let mut kept = self.kept();
        if let Some(connection) = kept.take(Instant::now()) {
            self.tidy_later(&mut kept);
            return Next::Use(connection);
        }
        if !kept.may_share {
            return Next::Connect;
        }
        // One that came to its end and still is here panicked.
        let flight = kept.flight.take().filter(|flight| flight.peek().is_none());
        Next::Wait(kept.flight.insert(flight.unwrap_or_else(|| self.take_off())).clone())
    }

    /// In a task, so that it is not given up with the request for which it was begun.
    fn take_off(self: &Arc<Self>) -> Flight {
        let pool = self.clone();
        let task = tokio::spawn(async move {
            let opened = pool.open(false).await;
            let mut kept = pool.kept();
            kept.flight = None;
            let connection = opened?;
            kept.may_share = connection.is_two();
            kept.put(connection, Instant::now());
            pool.tidy_later(&mut kept);
            Ok(())
        });
        async move { task.await.unwrap_or(Err(Unconnected::NoConnection)) }.boxed().shared()
    }

    async fn connect(self: &Arc<Self>) -> Result<(Connection, bool), Unconnected> {
        let connection = self.open(false).await?;
        if let Some(shared) = connection.share() {
            // It was HTTP/1.1 up to now.
            self.kept().may_share = true;
            self.give_back(shared);
        }
        Ok((connection, true))
    }

    /// A new one.
    pub(super) async fn open(&self, spare: bool) -> Result<Connection, Unconnected> {
        let (stream, is_two) = self.connector.connect().await?;
        Connection::begin(stream, is_two, spare).await
    }

    /// A connection on which an exchange came to its end.
    pub(super) fn give_back(self: &Arc<Self>, connection: Connection) {
        let mut kept = self.kept();
        kept.put(connection, Instant::now());
        self.tidy_later(&mut kept);
    }

    /// Drops what is idle for too long, until nothing is left.
    fn tidy_later(self: &Arc<Self>, kept: &mut Kept) {
        let is_empty = kept.idle.is_empty() && kept.shared.is_none();
        if is_empty || std::mem::replace(&mut kept.is_tidied, true) {
            return;
        }
        let pool = Arc::downgrade(self);
        let mut next = Instant::now() + MAX_IDLE;
        tokio::spawn(async move {
            loop {
                sleep_until(next).await;
                let Some(pool) = pool.upgrade() else { return };
                let mut kept = pool.kept();
                match kept.tidy(Instant::now()) {
                    Some(at) => next = at,
                    None => {
                        kept.is_tidied = false;
                        return;
                    }
                }
            }
        });
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn take(&mut self, now: Instant) -> Option<Connection> {
        if let Some(shared) = self.shared(now) {
            shared.since = now;
            return shared.connection.share();
        }
        self.take_idle(now).or_else(|| self.take_spare(now))
    }

    fn shared(&mut self, now: Instant) -> Option<&mut Idle> {
        let shared = self.shared.as_mut()?;
        shared.is_of_use(now).then_some(shared)
    }

    /// One of this thread's, or else of another's.
    fn take_idle(&mut self, now: Instant) -> Option<Connection> {
        self.take_last(now, Connection::is_at_home).or_else(|| self.take_last(now, |_| true))
    }

    /// The last of those that can be used.
    fn take_last(&mut self, now: Instant, of: fn(&Connection) -> bool) -> Option<Connection> {
        // Only the one that is taken is looked at closely.
        while let Some(at) = self.idle.iter().rposition(|it| of(&it.connection)) {
            let mut last = self.idle.remove(at);
            if last.is_of_use(now) {
                return Some(last.connection);
            }
        }
        None
    }

    pub(super) fn put_spare(&mut self, spare: Spare) {
        self.may_share = spare.connection.is_two();
        self.spare = Some(spare);
    }

    fn take_spare(&mut self, now: Instant) -> Option<Connection> {
        let mut spare = self.spare.take()?;
        if spare.until <= now || !spare.connection.is_ready() {
            return None;
        }
        let connection = spare.connection;
        if let Some(shared) = connection.share() {
            self.put(shared, now);
        }
        Some(connection)
    }

    fn put(&mut self, connection: Connection, now: Instant) {
        if !connection.is_two() {
            self.idle.push(Idle { connection, since: now });
        } else if let Some(shared) = self.shared(now) {
            // Another may have been made meanwhile.
            if shared.connection.is(&connection) {
                shared.since = now;
            }
        } else {
            self.shared = Some(Idle { connection, since: now });
        }
    }

    #[cfg(test)]
    pub(super) fn forget_shared(&mut self) {
        self.shared = None;
    }

    /// Drops what is idle for too long; when to come again.
    fn tidy(&mut self, now: Instant) -> Option<Instant> {
        self.idle.retain(|it| !it.is_old(now));
        self.shared.take_if(|it| it.is_old(now));
        let since = self.idle.iter().chain(&self.shared).map(|it| it.since).min();
        since.map(|since| since + MAX_IDLE)
    }
}

impl Idle {
    fn is_old(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= MAX_IDLE
    }

    fn is_of_use(&mut self, now: Instant) -> bool {
        !self.is_old(now) && self.connection.is_ready()
    }
}
