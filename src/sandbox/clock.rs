//! The wall clock.

use std::time::{Duration, SystemTime};

#[expect(
    clippy::disallowed_methods,
    reason = "the stand-ins live in real time, as their clients do"
)]
pub(super) fn now() -> SystemTime {
    SystemTime::now()
}

/// Now, as the time since 1970.
pub(super) fn unix() -> Duration {
    now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
