//! The composition root. [`App`] lives as long as the process; [`Live`] is what the settings made
//! of it, immutable, and the same for the whole of one request.

mod assemble;
mod loads;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use arc_swap::ArcSwap;
use tokio_util::task::TaskTracker;

pub use assemble::Ingredients;
pub use loads::{Failed, Loads};

use crate::{
    audit::Audit,
    base::clock::Clock,
    caller::Callers,
    gate::Gate,
    limit::Limiter,
    metrics::Metrics,
    policy::Policy,
    provider::{Means, Providers},
    settings::{Limits, Origins, Server},
    token::{Name, TokenType},
};

/// What outlives the settings. Cheap to copy.
#[derive(Clone, Debug)]
pub struct App(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    live: ArcSwap<Live>,
    keeps: Keeps,
    loads: Mutex<Loads>,
    draining: AtomicBool,
}

/// What goes on whatever the settings become.
#[derive(Debug)]
pub struct Keeps {
    /// How many requests are worked on at once.
    pub gate: Gate,
    /// What has been spent.
    pub limiter: Limiter,
    /// What minting needs, with a caller who waits for it or ahead.
    pub means: Means,
}

/// What the settings say, ready to use.
#[derive(Debug)]
pub struct Live {
    /// The token types by name.
    pub tokens: BTreeMap<Name, TokenType>,
    /// The providers that have a key.
    pub providers: Providers,
    /// The token type of `POST /session`.
    pub session: Name,
    /// Who may ask.
    pub callers: Callers,
    /// Connections: their deadlines and bounds, and the proxies that are trusted.
    pub server: Server,
    /// The origins whose pages may ask.
    pub origins: Origins,
    /// Who may have what.
    pub policy: Policy,
    /// How many, and how often.
    pub limits: Limits,
    /// Whether the providers are stand-ins, so that no token is worth anything.
    pub sandbox: bool,
}

impl App {
    /// An app around `live`.
    pub fn new(live: Live, keeps: Keeps) -> Self {
        let live = ArcSwap::from_pointee(live);
        let loads = Loads { loaded_at: keeps.means.clock.unix(), ..Loads::default() };
        keeps.means.metrics.loaded(loads.loaded_at);
        let (loads, draining) = (Mutex::new(loads), AtomicBool::new(false));
        Self(Arc::new(Inner { live, keeps, loads, draining }))
    }

    /// What the settings say now. Take it once per request.
    pub fn live(&self) -> Arc<Live> {
        self.0.live.load_full()
    }

    /// From here on new requests are served as `live` says. Those in flight go on under the settings
    /// that they began with.
    pub fn replace(&self, live: Live) {
        let live = Arc::new(live);
        let before = self.0.live.swap(Arc::clone(&live));
        before.providers.replaced(&live.providers, self.means());
    }

    /// What minting needs, with a caller who waits for it or ahead.
    pub fn means(&self) -> &Means {
        &self.0.keeps.means
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.means().clock
    }

    /// The requests whose token is being minted.
    pub fn tasks(&self) -> &TaskTracker {
        &self.means().tasks
    }

    /// How many requests are worked on at once.
    pub fn gate(&self) -> &Gate {
        &self.0.keeps.gate
    }

    /// What has been spent.
    pub fn limiter(&self) -> &Limiter {
        &self.0.keeps.limiter
    }

    /// Where decisions are recorded.
    pub fn audit(&self) -> &Audit {
        &self.means().audit
    }

    /// What is counted for whoever watches.
    pub fn metrics(&self) -> &Metrics {
        &self.means().metrics
    }

    /// Whether new callers are welcome.
    pub fn is_ready(&self) -> bool {
        !self.0.draining.load(Ordering::Relaxed)
    }

    /// From here on new callers are told to go elsewhere; there is no way back.
    pub fn begin_draining(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
        self.live().providers.drain();
    }

    /// Nobody will be served any more: what was minted for them ahead is discarded.
    pub fn discard_pools(&self) {
        self.live().providers.stop(self.means());
    }
}

#[cfg(test)]
mod tests;
