//! How often a key that had worked was refused.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// A count of the refusals of keys that had worked. Tokens that were minted before may be worth nothing
/// after, so a pool that sees it change throws its own away. Cheap to clone; all clones count together.
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
