//! The set of an issuer's keys, kept and renewed.
//!
//! It is fetched for the first token, by one request for all that wait. Later it is renewed behind
//! the requests' backs when it is old, and in front of them for a `kid` that it does not have; but
//! seldom, because anyone can make up a `kid`. A set that cannot be renewed is kept: an issuer that
//! is down must not lock anyone out. All of this goes by monotonic time.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use super::{
    Rejected,
    fetch::{Source, client},
    key::Key,
};
use crate::{outbound::Client, settings::Algorithm};

/// How long fetching may take, configuration and all.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);

/// How old a set may be before it is renewed.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);

/// The time between two renewals.
const BETWEEN_RENEWALS: Duration = Duration::from_secs(30);

/// The time between two attempts while there is no set at all.
const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(1);

/// An issuer's keys. Clones share them.
#[derive(Clone)]
pub(super) struct Jwks(Arc<Shared>);

/// What requests and the task that fetches share.
struct Shared {
    issuer: String,
    source: Source,
    http: Client,
    algorithms: Vec<Algorithm>,
    /// Locked only to clone what is in it.
    set: RwLock<Option<Arc<Set>>>,
    state: Mutex<State>,
}

struct Set {
    keys: Vec<Arc<Key>>,
    fetched: Instant,
}

#[derive(Default)]
struct State {
    /// Closed when the task that fetches has ended, in whatever way.
    running: Option<watch::Receiver<()>>,
    /// When the last attempt ended. The first that succeeded does not count: a key that is new
    /// soon after our start must not wait.
    tried: Option<Instant>,
    /// Why the last attempt failed, if it did; so that it is logged once.
    problem: Option<String>,
}

impl Jwks {
    /// # Errors
    /// When there is no way to fetch them; in words for the operator.
    pub(super) fn new(
        issuer: String,
        source: Source,
        algorithms: Vec<Algorithm>,
    ) -> Result<Self, String> {
        let (http, set, state) = (client(source.url())?, RwLock::default(), Mutex::default());
        Ok(Self(Arc::new(Shared { issuer, source, http, algorithms, set, state })))
    }

    /// Whether it is what [`Self::new`] would make of these.
    pub(super) fn is_of(&self, issuer: &str, source: &Source, algorithms: &[Algorithm]) -> bool {
        let Shared { issuer: ours, source: from, algorithms: by, .. } = &*self.0;
        ours == issuer && from == source && by == algorithms
    }

    /// The key `kid`; without a `kid` the only key that there is.
    pub(super) async fn find(&self, kid: Option<&str>) -> Result<Arc<Key>, Rejected> {
        let set = match self.0.set() {
            Some(set) => set,
            None => {
                let none = Rejected::Unavailable("the issuer's keys cannot be fetched");
                self.0.renewed(None).await.ok_or(none)?
            }
        };
        if set.fetched.elapsed() > MAX_AGE {
            // Nobody waits for this one.
            self.0.renew(Some(set.fetched));
        }
        let Some(kid) = kid else {
            return set.only().ok_or(Rejected::Wrong("there is no kid, but a choice of keys"));
        };
        if let Some(key) = set.named(kid) {
            return Ok(key);
        }
        let renewed = self.0.renewed(Some(set.fetched)).await;
        renewed
            .and_then(|set| set.named(kid))
            .ok_or(Rejected::Wrong("the kid is none of the issuer's"))
    }
}

impl Set {
    fn only(&self) -> Option<Arc<Key>> {
        match &self.keys[..] {
            [key] => Some(key.clone()),
            _ => None,
        }
    }

    /// The one key of this name. Two would be a riddle, and neither is taken.
    fn named(&self, kid: &str) -> Option<Arc<Key>> {
        let mut found = self.keys.iter().filter(|key| key.kid.as_deref() == Some(kid));
        found.next().filter(|_| found.next().is_none()).cloned()
    }
}

impl Shared {
    fn set(&self) -> Option<Arc<Set>> {
        self.set.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The set after an attempt to get one that is newer than `seen`, if it is time for one.
    async fn renewed(self: &Arc<Self>, seen: Option<Instant>) -> Option<Arc<Set>> {
        if let Some(mut running) = self.renew(seen) {
            // Nothing is ever sent: this ends when the task does.
            let _ = running.changed().await;
        }
        self.set()
    }

    /// Begins to fetch, unless someone has since `seen`, or did so too short a time ago. What is
    /// running, and closes at its end.
    fn renew(self: &Arc<Self>, seen: Option<Instant>) -> Option<watch::Receiver<()>> {
        let mut state = self.state();
        if let Some(running) = state.running.as_ref().filter(|it| it.has_changed().is_ok()) {
            return Some(running.clone());
        }
        let current = self.set().map(|set| set.fetched);
        let wait = if current.is_none() { BETWEEN_ATTEMPTS } else { BETWEEN_RENEWALS };
        if current != seen || state.tried.is_some_and(|tried| tried.elapsed() < wait) {
            return None;
        }
        let (sender, running) = watch::channel(());
        state.running = Some(running.clone());
        // A task of its own: the request that needed it may be gone before the answer comes.
        let shared = self.clone();
        tokio::spawn(async move {
            shared.attempt().await;
            drop(sender);
        });
        Some(running)
    }

    async fn attempt(&self) {
        let fetching = self.source.fetch(&self.http, &self.algorithms);
        let result = timeout(DEADLINE, fetching).await;
        let result = result.unwrap_or_else(|_| Err("it took longer than 5 s".to_owned()));
        let mut state = self.state();
        state.tried = Some(Instant::now());
        match result {
            Ok(keys) => {
                let keys = keys.into_iter().map(Arc::new).collect();
                let set = Arc::new(Set { keys, fetched: Instant::now() });
                let mut place = self.set.write().unwrap_or_else(PoisonError::into_inner);
                if place.replace(set).is_none() {
                    state.tried = None;
                }
                if state.problem.take().is_some() {
                    tracing::info!(issuer = self.issuer, "the issuer's keys can be fetched again");
                }
            }
            Err(why) => {
                if state.problem.as_ref() != Some(&why) {
                    tracing::warn!(
                        issuer = self.issuer,
                        why,
                        "the issuer's keys cannot be fetched"
                    );
                }
                state.problem = Some(why);
            }
        }
        state.running = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_has_not_yet_seen_a_set_that_is_there_fetches_no_other() {
        let source = Source::Jwks("http://127.0.0.1:9/".parse().unwrap());
        let Jwks(shared) = Jwks::new(String::new(), source, vec![Algorithm::ES256]).unwrap();
        let fetched = Instant::now();
        *shared.set.write().unwrap() = Some(Arc::new(Set { keys: Vec::new(), fetched }));
        assert!(shared.renew(None).is_none());
        assert!(shared.renew(Some(fetched)).is_some());
        assert!(shared.renew(None).is_some(), "who waits while it runs waits for it");
    }
}
