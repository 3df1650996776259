//! Ids as xAI's look.

use uuid::Uuid;

/// A new one, such as `item_9b2e…`.
pub(super) fn id(prefix: &str) -> String {
    format!("{prefix}_{}", Uuid::new_v4().simple())
}
