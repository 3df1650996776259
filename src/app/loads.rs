//! What became of settings that were read while the server runs.

use std::sync::PoisonError;

use super::{App, Live};

/// When settings were read, and what was wrong with them.
#[derive(Clone, Debug, Default)]
pub struct Loads {
    /// When those in effect were read, in Unix seconds.
    pub loaded_at: u64,
    /// How often other settings have come into effect since the start.
    pub reloads: u64,
    /// What keeps those that were read last from coming into effect.
    pub failed: Option<Failed>,
    /// The settings that are other than in effect, until the next start.
    pub needs_restart: Vec<String>,
}

/// Settings that did not come into effect.
#[derive(Clone, Debug)]
pub struct Failed {
    /// When they were read, in Unix seconds.
    pub at: u64,
    /// All that is wrong with them, a line each.
    pub problems: Vec<String>,
}

impl App {
    /// What became of the settings that were read so far.
    pub fn loads(&self) -> Loads {
        self.0.loads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces what the settings say by `live`, and whatever failed before is mended.
    pub fn reloaded(&self, live: Live, needs_restart: Vec<String>) {
        self.replace(live);
        let now = self.clock().unix();
        let mut loads = self.0.loads.lock().unwrap_or_else(PoisonError::into_inner);
        let reloads = loads.reloads + 1;
        *loads = Loads { loaded_at: now, reloads, failed: None, needs_restart };
        self.metrics().reloaded(now);
    }

    /// Notes that settings were read and will not do. Nothing else changes.
    pub fn not_reloaded(&self, problems: Vec<String>) {
        let at = self.clock().unix();
        let mut loads = self.0.loads.lock().unwrap_or_else(PoisonError::into_inner);
        loads.failed = Some(Failed { at, problems });
        self.metrics().not_reloaded();
    }
}
