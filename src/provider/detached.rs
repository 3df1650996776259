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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::secret::Secret;

    /// Counts the mints that ended, and does as told.
    #[derive(Default)]
    struct Fake {
        takes: Duration,
        panics: bool,
        ended: AtomicU32,
    }

    #[async_trait]
    impl Provider for Fake {
        async fn mint(&self, _: &MintSpec) -> Result<Minted, ProviderError> {
            tokio::time::sleep(self.takes).await;
            assert!(!self.panics, "as told");
            self.ended.fetch_add(1, Ordering::Relaxed);
            Ok(Minted { token: Secret::new("token"), expires_at: 1 })
        }
    }

    fn detached(fake: Fake) -> (Arc<Fake>, Detached, TaskTracker) {
        let (fake, tasks) = (Arc::new(fake), TaskTracker::new());
        (fake.clone(), Detached::new(fake, Duration::from_secs(10), tasks.clone()), tasks)
    }

    fn spec() -> MintSpec {
        MintSpec { provider: "provider".into(), product: "product", ttl: 300 }
    }

    #[tokio::test(start_paused = true)]
    async fn a_mint_ends_though_nobody_waits_for_it() {
        let (fake, detached, tasks) =
            detached(Fake { takes: Duration::from_secs(5), ..Fake::default() });
        let spec = spec();
        let impatient = timeout(Duration::from_secs(1), detached.mint(&spec)).await;
        assert!(impatient.is_err());
        assert_eq!((tasks.len(), fake.ended.load(Ordering::Relaxed)), (1, 0));
        tasks.close();
        tasks.wait().await;
        assert_eq!(fake.ended.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_ends_a_mint() {
        let (fake, detached, _) = detached(Fake { takes: Duration::MAX, ..Fake::default() });
        let error = detached.mint(&spec()).await.unwrap_err();
        assert!(matches!(error, ProviderError::Timeout(after) if after.as_secs() == 10));
        assert_eq!(fake.ended.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_panic_in_a_mint_is_an_error_of_ours() {
        let (_, detached, _) = detached(Fake { panics: true, ..Fake::default() });
        assert!(matches!(detached.mint(&spec()).await, Err(ProviderError::Died)));
    }
}
