//! What is known of requests, kind by kind.
//!
//! A kind is all that the provider can tell one request from another by: the product and the lifetime. What
//! the provider says of one kind is held against that kind alone. So no caller can ask for something that
//! switches a key off for those who ask for something else.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

use super::{availability::Availability, budget::RetryBudget};
use crate::token::MintSpec;

/// How many kinds are remembered. There are as many as operators have token types, and callers ask for
/// lifetimes.
const MAX_KINDS: usize = 256;

type Kind = (&'static str, u32);

/// What is known of one kind of request.
pub(super) struct RequestState {
    pub(super) product: &'static str,
    pub(super) ttl: u32,
    /// Counts up, so that the keys take turns.
    pub(super) turn: AtomicUsize,
    pub(super) budget: RetryBudget,
    /// For each key.
    keys: Vec<KeyState>,
    last_used: AtomicU64,
}

/// What is known of such requests with one key.
#[derive(Default)]
struct KeyState {
    availability: Mutex<Availability>,
    /// A token was minted.
    is_known: AtomicBool,
}

/// The kinds that were asked for.
pub(super) struct RequestStates {
    /// How many keys there are.
    keys: usize,
    states: Mutex<HashMap<Kind, Arc<RequestState>>>,
    uses: AtomicU64,
}

impl RequestState {
    /// Whether a request can be made with the key at `place`.
    pub(super) fn availability(&self, place: usize) -> MutexGuard<'_, Availability> {
        self.keys[place].availability.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the key at `place` has minted a token for such a request.
    pub(super) fn is_known(&self, place: usize) -> bool {
        self.keys[place].is_known.load(Relaxed)
    }

    /// The key at `place` has minted a token for such a request.
    pub(super) fn set_known(&self, place: usize) {
        self.keys[place].is_known.store(true, Relaxed);
    }
}

impl RequestStates {
    pub(super) fn new(keys: usize) -> Self {
        Self { keys, states: Mutex::default(), uses: AtomicU64::default() }
    }

    /// What is known of such a request.
    pub(super) fn of(&self, spec: &MintSpec) -> Arc<RequestState> {
        let kind = (spec.product, spec.ttl);
        let mut states = self.lock();
        if !states.contains_key(&kind) && states.len() >= MAX_KINDS {
            forget_one(&mut states);
        }
        let state = states.entry(kind).or_insert_with(|| Arc::new(self.unknown(kind)));
        state.last_used.store(self.uses.fetch_add(1, Relaxed), Relaxed);
        Arc::clone(state)
    }

    /// All kinds.
    pub(super) fn all(&self) -> Vec<Arc<RequestState>> {
        self.lock().values().cloned().collect()
    }

    fn unknown(&self, (product, ttl): Kind) -> RequestState {
        RequestState {
            product,
            ttl,
            turn: AtomicUsize::default(),
            budget: RetryBudget::default(),
            keys: (0..self.keys).map(|_| KeyState::default()).collect(),
            last_used: AtomicU64::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Kind, Arc<RequestState>>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets the kind that was not asked for for longest. Asked for again, it is unknown.
fn forget_one(states: &mut HashMap<Kind, Arc<RequestState>>) {
    let oldest = states.iter().min_by_key(|(_, state)| state.last_used.load(Relaxed));
    if let Some(kind) = oldest.map(|(kind, _)| *kind) {
        states.remove(&kind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_kinds_are_remembered_as_there_is_room_for() {
        let states = RequestStates::new(1);
        let of = |ttl| states.of(&MintSpec { provider: "xai".into(), product: "realtime", ttl });
        of(0).set_known(0);
        for ttl in 1..3 * MAX_KINDS as u32 {
            of(ttl);
            assert!(of(0).is_known(0), "what is asked for is not forgotten");
        }
        assert_eq!(states.all().len(), MAX_KINDS);
        let forgotten = of(1);
        assert!(!Arc::ptr_eq(&forgotten, &of(2)) && !forgotten.is_known(0));
    }
}
