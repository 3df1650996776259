//! Locking.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks `mutex` even if a panic poisoned it: every critical section here leaves valid data.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
