//! What is counted, and what the counting says.

use std::time::Duration;

use crate::settings::{Limit, Mode};

/// Who or what is counted, as hashes only; [`super::Limiter::charge`] makes it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// Keyed with a key of this process.
    pub(super) here: u64,
    /// Keyed with the key that the replicas share; only where they share their counts.
    pub(super) shared: Option<[u8; 16]>,
}

impl std::fmt::Debug for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Subject(…)")
    }
}

/// One token, or one request, to be counted against one limit.
#[derive(Clone, Copy, Debug)]
pub struct Charge {
    /// The limit's name: its key in the settings, such as `caller`. Each has counts of its own.
    pub policy: &'static str,
    /// The limit.
    pub limit: Limit,
    /// Who is counted.
    pub subject: Subject,
}

impl Charge {
    /// Whether it can refuse.
    pub(super) fn is_enforced(&self) -> bool {
        self.limit.mode == Mode::Enforce
    }
}

/// What came of some charges, all of which were spent or none.
#[derive(Debug)]
pub struct Outcome {
    /// How every enforced part of every limit now stands.
    pub standings: Vec<Standing>,
    /// What limits that are only observed would have refused; they then did not count it either,
    /// as if they were enforced.
    pub observed: Vec<Exceeded>,
    /// What was spent, or the limit that is exceeded: of several the one that is so the longest.
    pub result: Result<Spent, Exceeded>,
}

/// The two parts of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// So many in a while, evenly.
    Rate,
    /// So many in a longer while.
    Quota,
}

impl Part {
    /// Its name in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Quota => "quota",
        }
    }
}

/// How one part of an enforced limit stands: what the `RateLimit` headers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The limit's name.
    pub policy: &'static str,
    /// Which part of it.
    pub part: Part,
    /// How many in `window`. Of a rate the setting itself, such as 30 in 60 s; where its burst is
    /// more than that, the burst and the time in which that many become available.
    pub limit: u32,
    /// How many would be admitted right now, as far as this limit goes, and at most `limit`.
    pub remaining: u32,
    /// In what time.
    pub window: Duration,
    /// When `remaining` will again be all it can be, if nothing is spent until then: of a rate
    /// when its burst is whole, of a quota when its window is over.
    pub reset: Duration,
}

/// A limit was exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the limit {policy} is exceeded")]
pub struct Exceeded {
    /// The limit's name.
    pub policy: &'static str,
    /// Which part of it.
    pub part: Part,
    /// When one more will be admitted.
    pub retry_after: Duration,
}

/// What was spent, so that it can be given back. To keep it spent, drop it.
#[derive(Debug, Default)]
pub struct Spent {
    pub(super) here: Vec<Receipt>,
    pub(super) shared: Vec<Receipt>,
}

/// One charge that was spent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Receipt {
    pub(super) charge: Charge,
    /// When, in the time of whoever counted it.
    pub(super) at: u64,
    /// The end of the quota's window it went into.
    pub(super) window: u64,
}

/// Where the counts are kept just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreState {
    /// In this process, as it was set.
    Memory,
    /// In Redis, and in this process too.
    Shared,
    /// In this process only, because Redis cannot be used.
    LocalOnly {
        /// Since when.
        since: std::time::Instant,
        /// Why, from a closed set: `refused`, `timeout`, `dropped`, `full`, ….
        reason: &'static str,
    },
}
