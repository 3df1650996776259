//! The connections without a request, in the order in which they began to wait.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use super::watch::Watch;

/// Who merely holds a connection, and gives way to whoever wants one.
#[derive(Default)]
pub(super) struct Waiting(Mutex<Places>);

#[derive(Default)]
struct Places {
    next: u64,
    taken: BTreeMap<u64, Weak<Watch>>,
}

impl Waiting {
    /// Gives the connection the last place.
    pub(super) fn enter(&self, watch: &Arc<Watch>) -> u64 {
        let mut places = self.places();
        let place = places.next;
        places.next += 1;
        places.taken.insert(place, Arc::downgrade(watch));
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
        match first.and_then(|(_, watch)| watch.upgrade()) {
            Some(watch) => {
                watch.evicted.cancel();
                true
            }
            None => false,
        }
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
