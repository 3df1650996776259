//! The composition root. [`App`] lives as long as the process; [`Live`] is what the settings made
//! of it, immutable, and the same for the whole of one request.

mod build;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio_util::task::TaskTracker;

pub use build::Ingredients;

use crate::{
    clock::Clock,
    provider::Providers,
    settings::Origins,
    token::{Name, TokenType},
};

/// What outlives the settings. Cheap to copy.
#[derive(Clone, Debug)]
pub struct App(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    live: Arc<Live>,
    clock: Clock,
    /// Mints in flight, with or without a caller still waiting.
    tasks: TaskTracker,
    draining: AtomicBool,
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
    /// The origins whose pages may read answers.
    pub origins: Origins,
    /// How long a request's body may take to arrive.
    pub body_timeout: Duration,
    /// Whether the providers are stand-ins, so that no token is worth anything.
    pub sandbox: bool,
}

impl App {
    /// An app around `live`. `tasks` is where its mints run.
    #[must_use]
    pub fn new(live: Live, clock: Clock, tasks: TaskTracker) -> Self {
        Self(Arc::new(Inner {
            live: Arc::new(live),
            clock,
            tasks,
            draining: AtomicBool::new(false),
        }))
    }

    /// What the settings say now. Take it once per request.
    #[must_use]
    pub fn live(&self) -> Arc<Live> {
        self.0.live.clone()
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The mints in flight.
    #[must_use]
    pub fn tasks(&self) -> &TaskTracker {
        &self.0.tasks
    }

    /// Whether new callers are welcome.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.0.draining.load(Ordering::Relaxed)
    }

    /// From here on new callers are told to go elsewhere; there is no way back.
    pub fn begin_draining(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }
}
