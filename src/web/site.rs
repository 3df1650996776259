//! What handlers work with.

use std::sync::Arc;

use crate::app::{App, Live};

/// An app, and one state of its settings: a router is made for that, and so is every request that it
/// begins with served under the same settings to its end.
#[derive(Clone)]
pub(super) struct Site {
    pub(super) app: App,
    pub(super) live: Arc<Live>,
}
