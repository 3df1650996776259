//! The connections without a request, in the order in which they began to wait.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::task::AtomicWaker;
use rustix::io::ioctl_fionread;
use tokio::{net::TcpStream, time::Instant};

/// How long a new one is left alone: its request may be on its way.
const MOMENT: Duration = Duration::from_millis(10);

/// How many are looked at to find one that sent nothing. Where so many did, all are busy.
const MAX_LOOKED_AT: usize = 64;

/// Who merely holds a connection, and gives way to whoever wants one.
#[derive(Default)]
pub(super) struct Waiting {
    places: Mutex<Places>,
    /// When the server began to stop.
    stopped: OnceLock<Instant>,
}

#[derive(Default)]
struct Places {
    next: u64,
    /// Each with the time since when it waits.
    taken: BTreeMap<u64, (Instant, Holder)>,
}

/// What came of looking for a connection to end.
pub(super) enum Eviction {
    /// One ends.
    Done,
    /// One may have to, but not yet.
    In(Duration),
    /// Everyone asked for something.
    Nobody,
}

/// A connection, as far as it may have to give way.
#[derive(Clone)]
pub(super) struct Holder {
    pub(super) stream: Weak<TcpStream>,
    pub(super) bell: Arc<Bell>,
}

/// Calls a connection's reading side when its time to end is another one. A token that can be waited
/// for would have to be asked at each of the connection's steps.
#[derive(Default)]
pub(super) struct Bell {
    evicted: AtomicBool,
    pub(super) reader: AtomicWaker,
}

impl Bell {
    /// The connection has to give way to another.
    fn evict(&self) {
        self.evicted.store(true, Ordering::Release);
        self.reader.wake();
    }

    /// Whether it has to give way to another.
    pub(super) fn is_evicted(&self) -> bool {
        self.evicted.load(Ordering::Acquire)
    }
}

impl Holder {
    /// Whether bytes wait to be read: a request came, and nobody had the time to look at it yet.
    fn has_unread(&self) -> bool {
        let unread = |stream| ioctl_fionread(stream).is_ok_and(|bytes| bytes > 0);
        self.stream.upgrade().is_some_and(unread)
    }
}

impl Waiting {
    /// Gives the connection the last place.
    pub(super) fn enter(&self, holder: &Holder) -> u64 {
        let mut places = self.places();
        let place = places.next;
        places.next += 1;
        places.taken.insert(place, (Instant::now(), holder.clone()));
        place
    }

    /// Whether the place was still there to be left.
    pub(super) fn leave(&self, place: u64) -> bool {
        self.places().taken.remove(&place).is_some()
    }

    /// Ends the connection that waits longest of those that sent nothing.
    pub(super) fn evict(&self) -> Eviction {
        let mut places = self.places();
        let mut first = places.taken.iter().take(MAX_LOOKED_AT);
        let silent = first.find(|(_, (_, holder))| !holder.has_unread());
        let Some((&place, (since, _))) = silent else { return Eviction::Nobody };
        let left = MOMENT.saturating_sub(since.elapsed());
        if !left.is_zero() {
            return Eviction::In(left);
        }
        let holder = places.taken.remove(&place);
        // The guard must be gone before the connection hears of it.
        drop(places);
        holder.inspect(|(_, it)| it.bell.evict());
        Eviction::Done
    }

    /// The server stops: who has not asked by now need not begin.
    pub(super) fn stop(&self) {
        let _ = self.stopped.set(Instant::now());
        for (_, holder) in self.places().taken.values() {
            holder.bell.reader.wake();
        }
    }

    /// When the server began to stop.
    pub(super) fn stopped(&self) -> Option<Instant> {
        self.stopped.get().copied()
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
