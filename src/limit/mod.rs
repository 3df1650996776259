//! Limits: how often, for whom. Knows neither HTTP nor callers, only hashes of what is counted.
//!
//! A [`Charge`] counts one token or request against one limit. Charges are spent together, all or
//! none. A limit has two parts, a rate (`gcra`) and a quota (`quota`), both pure; `tally` judges
//! them together.
//!
//! The counts of this process (`memory`) are always on. Redis (`shared`), where there is one, only
//! tightens them: it is asked after memory has agreed, in one atomic script, and when it does not
//! answer in time, what memory said stands. So without Redis each replica admits what a limit
//! allows, and no more.
//!
//! A [`Subject`] that is not counted for long is forgotten, in Redis when it owes nothing any more,
//! here when its place is needed for another that owes more; see `table` for what that can lose.

mod charge;
mod gcra;
mod memory;
mod quota;
mod shared;
mod table;
mod tally;

pub use charge::{Charge, Exceeded, Outcome, Part, Spent, Standing, StoreState, Subject};

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use memory::Memory;
use shared::Shared;
use tally::tighten;

use crate::{base::secret::Secret, settings::Limit};

/// Counts for as long as the process lives. Cheap to clone; clones count together.
#[derive(Clone, Debug)]
pub struct Limiter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    memory: Memory,
    shared: Option<Shared>,
    /// How often there was no answer.
    without_redis: AtomicU64,
}

impl Limiter {
    /// Counts in this process only.
    pub fn memory() -> Self {
        Self::new(None)
    }

    /// Counts in the Redis at `url` too. It need not be there yet: it is connected to in the
    /// background, in the runtime that this is called in.
    ///
    /// # Errors
    /// When `url` is none of a Redis, or `hash_key`, which replicas must have in common, is shorter
    /// than 32 bytes. The text shows neither.
    pub fn with_redis(url: Secret, hash_key: Secret) -> Result<Self, String> {
        Ok(Self::new(Some(Shared::new(&url, &hash_key)?)))
    }

    fn new(shared: Option<Shared>) -> Self {
        let without_redis = AtomicU64::new(0);
        Self(Arc::new(Inner { memory: Memory::new(), shared, without_redis }))
    }

    /// The bytes that the counts in this process take at most, however many are counted.
    pub const MEMORY_BYTES: usize = memory::BYTES;

    /// One more of `parts`, such as how a caller is known and its name, under the limit of `policy`. Each
    /// policy counts for itself.
    pub fn charge(&self, policy: &'static str, limit: Limit, parts: &[&[u8]]) -> Charge {
        let shared = self.0.shared.as_ref().map(|shared| shared.hash(policy, parts));
        let subject = Subject { here: self.0.memory.hash(policy, parts), shared };
        Charge { policy, limit, subject }
    }

    /// Spends all of `charges` or none, in this process only: for what comes before it is known
    /// who asks.
    pub fn spend_here(&self, charges: &[Charge]) -> Outcome {
        self.0.memory.spend(&[], charges, self.0.memory.now())
    }

    /// What [`Self::spend_here`] would say. Spends nothing.
    pub fn standing_here(&self, charges: &[Charge]) -> Outcome {
        self.0.memory.look(charges, self.0.memory.now())
    }

    /// Spends all of `charges` or none, here and in Redis. What was spent `already_here` joins them
    /// in Redis; it stays spent here, and is not among what can be given back.
    ///
    /// The standings are of all of them. Waits for Redis at most 25 ms; when it has not said
    /// anything by then, what is known here stands.
    pub async fn spend(&self, already_here: &[Charge], charges: &[Charge]) -> Outcome {
        let Inner { memory, shared, without_redis } = &*self.0;
        let mut here = memory.spend(already_here, charges, memory.now());
        let (Some(shared), Ok(spent)) = (shared, &mut here.result) else { return here };

        // Boxed, as it is large, and nothing where there is no Redis.
        let Some(there) = Box::pin(shared.spend(already_here, charges)).await else {
            without_redis.fetch_add(1, Relaxed);
            return here;
        };
        match there.result {
            Ok(more) => spent.shared = more.shared,
            Err(exceeded) => {
                memory.give_back(&spent.here, memory.now());
                let all = [already_here, charges].concat();
                here.standings = memory.look(&all, memory.now()).standings;
                here.result = Err(exceeded);
            }
        }
        tighten(&mut here.standings, there.standings);
        let known = |it: &Exceeded, all: &[Exceeded]| all.iter().any(|x| x.policy == it.policy);
        let more = there.observed.into_iter().filter(|it| !known(it, &here.observed));
        here.observed.extend(more.collect::<Vec<_>>());
        here
    }

    /// Gives back what was spent for nothing: what certainly minted no token. Never makes room for
    /// more than if it had not been spent. Waits for Redis at most 25 ms.
    pub async fn give_back(&self, spent: Spent) {
        self.0.memory.give_back(&spent.here, self.0.memory.now());
        if let Some(shared) = &self.0.shared {
            Box::pin(shared.give_back(&spent.shared)).await;
        }
    }

    /// How often [`Self::spend`] has had to do without Redis, although there should be one.
    pub fn spent_without_redis(&self) -> u64 {
        self.0.without_redis.load(Relaxed)
    }

    /// Where the counts are kept just now.
    pub fn store_state(&self) -> StoreState {
        self.0.shared.as_ref().map_or(StoreState::Memory, Shared::state)
    }
}
