//! A wrapper that mints in a task of its own, with a deadline.
//!
//! When a caller hangs up, its request's future is dropped. A mint dropped half-way may leave a
//! token at the provider that nobody knows of; in a task of its own it ends, and its end is logged.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::{Provider, ProviderError};
use crate::token::{MintSpec, Minted};

/// Mints through `inner`, whoever goes on waiting for it.
pub(super) struct Detached {
    inner: Arc<dyn Provider>,
    deadline: Duration,
    tasks: TaskTracker,
}

impl Detached {
    pub(super) fn new(inner: Arc<dyn Provider>, deadline: Duration, tasks: TaskTracker) -> Self {
        Self { inner, deadline, tasks }
    }
}

#[async_trait]
impl Provider for Detached {
    async fn mint(&self, spec: &MintSpec) -> Result<Minted, ProviderError> {
        let (inner, spec, deadline) = (self.inner.clone(), spec.clone(), self.deadline);
        let mint = async move {
            let result = timeout(deadline, inner.mint(&spec)).await;
            let result = result.unwrap_or(Err(ProviderError::Timeout(deadline)));
            match &result {
                Ok(_) => tracing::debug!(provider = %spec.provider, "minted"),
                Err(error) => tracing::debug!(provider = %spec.provider, %error, "not minted"),
            }
            result
        };
        self.tasks.spawn(mint.in_current_span()).await.unwrap_or(Err(ProviderError::Died))
    }
}
