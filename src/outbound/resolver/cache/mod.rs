//! Names and their addresses. A name is looked up once however many ask, by the system, which
//! takes a thread for it as long as it takes; answers are kept for a while, and for longer where
//! there is no newer one to be had.

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

/// How long addresses are good without asking again.
const FRESH: Duration = Duration::from_secs(30);
/// How long they are used for want of newer ones.
const STALE: Duration = Duration::from_secs(300);
/// How long nobody asks again after there was no answer, or after a connection failed.
const PAUSE: Duration = Duration::from_secs(1);
/// How long anyone waits for an answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// After so long without an answer another try is made, though the first still holds its thread.
const GIVEN_UP: Duration = Duration::from_secs(60);

/// What all clients share: whoever asked first has asked for everyone.
pub(super) static SYSTEM: LazyLock<AddressCache> = LazyLock::new(|| AddressCache::new(system));

pub(in crate::outbound) type AddressFuture =
    Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// The names that were asked for, and their addresses.
#[derive(Clone)]
pub(in crate::outbound) struct AddressCache(Arc<CacheState>);

struct CacheState {
    look_up: Box<dyn Fn(String) -> AddressFuture + Send + Sync>,
    entries: Mutex<HashMap<String, NameEntry>>,
}

#[derive(Default)]
struct NameEntry {
    found: Option<Addresses>,
    /// When the last lookup failed, and why.
    failed: Option<(Instant, String)>,
    lookup: Option<Lookup>,
    /// Old addresses are in use, and that has been said.
    is_stale: bool,
}

struct Addresses {
    addresses: Vec<SocketAddr>,
    at: Instant,
    /// A connection to them failed.
    is_doubtful: bool,
}

/// A lookup that is under way.
#[derive(Clone)]
struct Lookup {
    since: Instant,
    /// Closed at its end, also where that comes with its runtime's.
    end: watch::Receiver<()>,
}

/// Why a name has no address.
#[derive(Debug, thiserror::Error)]
pub(in crate::outbound) enum Unresolved {
    #[error("{0}")]
    Failed(String),
    #[error("the name lookup does not answer")]
    Slow,
}

enum CacheAnswer {
    Known(Vec<SocketAddr>),
    /// There is no answer, and it is too early to ask again.
    TooEarly,
    UnderWay(Lookup),
}

impl AddressCache {
    pub(in crate::outbound) fn new(
        look_up: impl Fn(String) -> AddressFuture + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(CacheState { look_up: Box::new(look_up), entries: Mutex::default() }))
    }

    /// Asks again before the next connection: nobody could be reached at these addresses.
    pub(super) fn doubt(&self, name: &str) {
        if let Some(found) = self.entries().get_mut(name).and_then(|entry| entry.found.as_mut()) {
            found.is_doubtful |= found.at.elapsed() > PAUSE;
        }
    }

    pub(super) async fn addresses(&self, name: &str) -> Result<Vec<SocketAddr>, Unresolved> {
        match self.look(name) {
            CacheAnswer::Known(addresses) => return Ok(addresses),
            CacheAnswer::TooEarly => (),
            CacheAnswer::UnderWay(mut lookup) => {
                let _ = timeout_at(lookup.since + PATIENCE, lookup.end.changed()).await;
            }
        }
        self.entries().entry(name.to_owned()).or_default().best(name)
    }

    fn look(&self, name: &str) -> CacheAnswer {
        let mut entries = self.entries();
        let now = Instant::now();
        if let Some(entry) = entries.get(name) {
            if let Some(found) = entry.found.as_ref().filter(|found| found.is_fresh()) {
                return CacheAnswer::Known(found.addresses.clone());
            }
            if entry.failed.as_ref().is_some_and(|(at, _)| now < *at + PAUSE) {
                return CacheAnswer::TooEarly;
            }
            if let Some(lookup) = entry.lookup.as_ref().filter(|lookup| lookup.is_under_way()) {
                return CacheAnswer::UnderWay(lookup.clone());
            }
        }
        entries.retain(|_, entry| entry.is_of_use());
        let (sender, end) = watch::channel(());
        let lookup = Lookup { since: now, end };
        entries.entry(name.to_owned()).or_default().lookup = Some(lookup.clone());
        let (cache, name) = (self.clone(), name.to_owned());
        tokio::spawn(async move {
            let answer = (cache.0.look_up)(name.clone()).await;
            cache.entries().entry(name.clone()).or_default().store(&name, answer);
            drop(sender);
        });
        CacheAnswer::UnderWay(lookup)
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, NameEntry>> {
        self.0.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NameEntry {
    /// What can be said now: fresh addresses, or old ones, or why there are none.
    fn best(&mut self, name: &str) -> Result<Vec<SocketAddr>, Unresolved> {
        let Some(found) = self.found.as_ref().filter(|found| found.at.elapsed() < STALE) else {
            return Err(match &self.failed {
                Some((at, why)) if at.elapsed() < PAUSE => Unresolved::Failed(why.clone()),
                _ => Unresolved::Slow,
            });
        };
        if !found.is_fresh() && !self.is_stale {
            self.is_stale = true;
            let seconds = found.at.elapsed().as_secs();
            let why = self.failed.as_ref().map_or("no answer", |(_, why)| why);
            tracing::warn!(
                name,
                seconds,
                why,
                "a name cannot be looked up: old addresses are used"
            );
        }
        Ok(found.addresses.clone())
    }

    fn store(&mut self, name: &str, answer: io::Result<Vec<SocketAddr>>) {
        let at = Instant::now();
        self.lookup = None;
        match answer {
            Ok(addresses) if !addresses.is_empty() => {
                if std::mem::take(&mut self.is_stale) {
                    tracing::info!(name, "a name can be looked up again");
                }
                self.failed = None;
                self.found = Some(Addresses { addresses, at, is_doubtful: false });
            }
            Ok(_) => self.failed = Some((at, "the name lookup found no address".to_owned())),
            Err(error) => self.failed = Some((at, error.to_string())),
        }
    }

    fn is_of_use(&self) -> bool {
        let is_known = self.found.as_ref().is_some_and(|found| found.at.elapsed() < STALE);
        is_known || self.lookup.as_ref().is_some_and(Lookup::is_under_way)
    }
}

impl Addresses {
    fn is_fresh(&self) -> bool {
        !self.is_doubtful && self.at.elapsed() < FRESH
    }
}

impl Lookup {
    fn is_under_way(&self) -> bool {
        self.since.elapsed() < GIVEN_UP && self.end.has_changed().is_ok()
    }
}

/// What the system says, with its hosts file, search domains and all.
fn system(name: String) -> AddressFuture {
    Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
}
