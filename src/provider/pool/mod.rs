//! Tokens that are minted before anyone asks for them, so that nobody waits for the provider.
//!
//! It is no wrapper around the trait that mints: to hand out what is there is no mint. It needs no
//! word in the audit before it, takes no time, and when there is nothing, the caller mints as if there
//! were no pool.
//!
//! Each token is in one place: with the mint that makes it, in the stock, or with the one caller who
//! took it. Every one that nobody takes is counted and recorded as discarded.

mod demand;
mod keeper;
mod pace;
mod stock;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};
use tokio_util::task::TaskTracker;

use super::{Instance, Provider, resilience::Refusals};
use crate::{
    audit::{Audit, Refill},
    base::clock::Clock,
    metrics::{Metrics, PoolCounts},
    token::{MintSpec, Minted, Name},
};
use stock::{Stock, Terms};

/// Why tokens are discarded, for the audit and the metrics.
mod reason {
    /// Too little of its life is left.
    pub(super) const EXPIRED: &str = "expired";
    /// The provider refuses an API key, so that it may refuse what was minted with it.
    pub(super) const REFUSED: &str = "key_refused";
    /// The settings changed.
    pub(super) const REPLACED: &str = "settings_changed";
    /// The server stops.
    pub(super) const STOPPED: &str = "stopped";
    /// Of a mint that gave no token: there is nothing to count, but something to record.
    pub(super) const FAILED: &str = "failed";
    pub(super) const ALL: [&str; 4] = [EXPIRED, REFUSED, REPLACED, STOPPED];
}

/// What the pool of a token type is to be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolTerms {
    /// The most tokens that are held.
    pub size: u32,
    /// The least that a token has left of its life when it is handed out, in seconds.
    pub min_remaining: u32,
}

/// For how long a pool is filled after the last request: someone who came back within that is common.
const IDLE: Duration = Duration::from_secs(5 * 60);

/// The most mints at once that fill a pool. Each may need a connection to the provider.
const MOST_REFILLS: u32 = 64;

impl fmt::Display for PoolTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size, min_remaining } = self;
        write!(f, "up to {size}; {min_remaining}s left at least")
    }
}

/// What minting needs, with a caller who waits for it or ahead. It outlives pools.
#[derive(Clone, Debug)]
pub struct Means {
    /// Where mints are recorded.
    pub audit: Audit,
    /// Where minting goes on when nobody waits for it.
    pub tasks: TaskTracker,
    /// The clock.
    pub clock: Clock,
    /// Where mints are counted.
    pub metrics: Metrics,
}

/// The tokens of one type that were minted ahead. Cheap to clone; all clones hold the same.
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

/// A token that was minted ahead, and what is recorded of it.
#[derive(Debug)]
pub struct Pooled {
    /// The token.
    pub minted: Minted,
    /// What was written when it was minted, to go on in the record of who gets it.
    pub refill: Refill,
}

struct Inner {
    token_type: Name,
    spec: MintSpec,
    terms: PoolTerms,
    provider: Arc<dyn Provider>,
    refusals: Refusals,
    counts: PoolCounts,
    born: Instant,
    shelf: Mutex<Shelf>,
    changed: Notify,
}

struct Shelf {
    stock: Stock<Pooled>,
    /// Whether there is a task that fills it.
    is_kept: bool,
    /// How often the provider had refused a key when it was last looked at.
    refusals: u64,
    /// Minting ahead failed, and has not succeeded since.
    fails: bool,
    /// Why it was closed.
    closed: Option<&'static str>,
}

impl Pool {
    /// An empty pool of tokens of the type `token_type`, which are minted by `instance` as `spec` says.
    pub fn new(
        token_type: Name,
        spec: MintSpec,
        terms: PoolTerms,
        instance: &Instance,
        metrics: &Metrics,
    ) -> Self {
        let refusals = instance.refusals.clone();
        let stock = Stock::new(Terms { size: terms.size, idle: IDLE, refills: MOST_REFILLS });
        let refused = refusals.count();
        let shelf = Shelf { stock, is_kept: false, refusals: refused, fails: false, closed: None };
        Self(Arc::new(Inner {
            counts: metrics.pool(&token_type, &reason::ALL),
            provider: Arc::clone(&instance.ahead),
            born: Instant::now(),
            shelf: Mutex::new(shelf),
            changed: Notify::new(),
            token_type,
            spec,
            terms,
            refusals,
        }))
    }

    /// Whether [`Self::new`] would make the same but for what it holds.
    pub(super) fn is_like(&self, spec: &MintSpec, terms: PoolTerms, instance: &Instance) -> bool {
        let Inner { spec: own, terms: own_terms, provider, .. } = &*self.0;
        own == spec && *own_terms == terms && Arc::ptr_eq(provider, &instance.ahead)
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// What its tokens are.
    pub(super) fn spec(&self) -> &MintSpec {
        &self.0.spec
    }

    pub(super) fn terms(&self) -> PoolTerms {
        self.0.terms
    }

    /// Counts a request that it has nothing for.
    pub(super) fn pass(&self) {
        self.0.counts.passed();
    }

    /// A token, if there is one; it is then nowhere else. That someone asked makes for more.
    pub(super) fn take(&self, means: &Means) -> Option<Pooled> {
        let (now, unix) = (self.0.now(), means.clock.unix());
        let mut spoiled = Vec::new();
        let mut shelf = self.0.lock();
        let refused = shelf.look_for_refusals(&self.0.refusals);
        let taken = shelf.stock.take(now, |it| self.0.is_good(it, unix), &mut spoiled);
        let wants_more = shelf.stock.wants_more(now);
        let begins = wants_more && !shelf.is_kept;
        shelf.is_kept |= wants_more;
        drop(shelf);
        match &taken {
            Some(_) => self.0.counts.hit(),
            None => self.0.counts.missed(),
        }
        if begins {
            means.tasks.spawn(keeper::keep(Arc::clone(&self.0), means.clone()));
        } else if wants_more {
            self.0.changed.notify_one();
        }
        self.0.discard(spoiled, reason::EXPIRED, means);
        self.0.discard(refused, reason::REFUSED, means);
        taken
    }

    /// A caller got a token of this type from the provider.
    pub(super) fn others_succeed(&self) {
        if self.0.lock().stock.others_succeed(self.0.now()) {
            self.0.changed.notify_one();
        }
    }

    /// What is there can be had; there will be no more.
    pub(super) fn drain(&self) {
        self.0.lock().stock.drain();
        self.0.changed.notify_one();
    }

    /// Discards what is there. There will be no more, and what is being minted is discarded, too.
    pub(super) fn close(&self, why: &'static str, means: &Means) {
        let left = {
            let mut shelf = self.0.lock();
            shelf.closed.get_or_insert(why);
            shelf.stock.close()
        };
        self.0.changed.notify_one();
        if !left.is_empty() {
            let token_type = &self.0.token_type;
            tracing::info!(%token_type, tokens = left.len(), why, "the pool's tokens are discarded");
        }
        self.0.discard(left, why, means);
    }

    /// As [`Self::close`], because of other settings.
    pub(super) fn replace(&self, means: &Means) {
        self.close(reason::REPLACED, means);
    }

    /// As [`Self::close`], because the server stops.
    pub(super) fn stop(&self, means: &Means) {
        self.close(reason::STOPPED, means);
    }
}

impl Shelf {
    /// Takes out everything if the provider has refused a key since.
    fn look_for_refusals(&mut self, refusals: &Refusals) -> Vec<Pooled> {
        let count = refusals.count();
        if std::mem::replace(&mut self.refusals, count) == count {
            return Vec::new();
        }
        self.stock.flush()
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.born.elapsed()
    }

    /// Whether it has enough of its life left. The seconds are whole ones, of which the present one is
    /// partly over.
    fn is_good(&self, pooled: &Pooled, unix: u64) -> bool {
        pooled.minted.expires_at > unix + u64::from(self.terms.min_remaining)
    }

    /// Until when it will have, in the time of this pool: also where the clock is set back meanwhile.
    fn good_until(&self, pooled: &Pooled, unix: u64) -> Duration {
        let least = unix + u64::from(self.terms.min_remaining);
        self.now() + Duration::from_secs(pooled.minted.expires_at.saturating_sub(least))
    }

    /// Has those recorded that were kept and that nobody gets.
    fn discard(&self, tokens: Vec<Pooled>, why: &'static str, means: &Means) {
        if tokens.is_empty() {
            return;
        }
        tokens.iter().for_each(|_| self.counts.discarded(why, true));
        means.tasks.spawn(async move {
            for pooled in tokens {
                pooled.refill.discard(why).await;
            }
        });
    }
}
