//! How often a provider has refused one of our keys.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// A count of the times that a key came to rest because it was refused. Tokens that were minted before
/// may be worth nothing after. Cheap to clone; all clones count together.
#[derive(Clone, Debug, Default)]
pub(in crate::provider) struct Refusals(Arc<AtomicU64>);

impl Refusals {
    /// So far.
    pub(in crate::provider) fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// One more.
    pub(in crate::provider) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}
