//! The connections without a request, in the order in which they began to wait.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

/// Who merely holds a connection, and gives way to whoever wants one.
#[derive(Default)]
pub(super) struct Waiting(Mutex<Places>);

#[derive(Default)]
struct Places {
    next: u64,
    /// What to cancel so that the place is given up.
    taken: BTreeMap<u64, CancellationToken>,
}

impl Waiting {
    /// Gives the connection the last place. It ends when `evicted` is cancelled.
    pub(super) fn enter(&self, evicted: &CancellationToken) -> u64 {
        let mut places = self.places();
        let place = places.next;
        places.next += 1;
        places.taken.insert(place, evicted.clone());
        place
    }

    /// Whether the place was still there to be left.
    pub(super) fn leave(&self, place: u64) -> bool {
        self.places().taken.remove(&place).is_some()
    }

    /// Ends the connection that waits longest; whether there was one.
    pub(super) fn evict(&self) -> bool {
        // The guard must be gone before the connection hears of it.
        let first = { self.places().taken.pop_first() };
        first.inspect(|(_, evicted)| evicted.cancel()).is_some()
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
