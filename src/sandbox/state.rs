//! What all requests share: tokens, faults in force, history.

use std::{ops::Deref, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{Options, fault::FaultList, history::History, tokens::Tokens};

/// A handle on the shared state; cheap to clone.
#[derive(Clone)]
pub(crate) struct Sandbox(Arc<State>);

/// The state behind a [`Sandbox`].
pub(crate) struct State {
    /// Every token minted that has not been forgotten.
    pub(crate) tokens: Tokens,
    /// The faults in force.
    pub(crate) faults: FaultList,
    /// The latest requests.
    pub(crate) history: History,
    /// How long an ElevenLabs token lives.
    pub(crate) token_lifetime: Duration,
    /// Cancelled when the shutdown begins: answers that would never end must end then.
    pub(crate) closing: CancellationToken,
}

impl Sandbox {
    pub(crate) fn new(options: Options, closing: CancellationToken) -> Self {
        Self(Arc::new(State {
            tokens: Tokens::default(),
            faults: FaultList::new(options.faults),
            history: History::default(),
            token_lifetime: options.token_lifetime,
            closing,
        }))
    }
}

impl Deref for Sandbox {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}
