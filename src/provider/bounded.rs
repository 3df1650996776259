//! A wrapper that bounds a mint: in time, and in the harm that a panic can do.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use tokio::time::timeout;

use super::{Provider, ProviderError};
use crate::token::{MintSpec, Minted};

/// Mints through `inner`, within a deadline.
pub(super) struct Bounded {
    inner: Arc<dyn Provider>,
    deadline: Duration,
}

impl Bounded {
    pub(super) fn new(inner: Arc<dyn Provider>, deadline: Duration) -> Self {
        Self { inner, deadline }
    }
}

#[async_trait]
impl Provider for Bounded {
    async fn mint(&self, spec: &MintSpec) -> Result<Minted, ProviderError> {
        let mint = timeout(self.deadline, self.inner.mint(spec));
        // Nothing of the mint is looked at after its panic.
        let result = match AssertUnwindSafe(mint).catch_unwind().await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(ProviderError::Timeout(self.deadline)),
            Err(_) => Err(ProviderError::Died),
        };
        match &result {
            Ok(_) => tracing::debug!(provider = %spec.provider, "minted"),
            Err(error) => tracing::debug!(provider = %spec.provider, %error, "not minted"),
        }
        result
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

    fn bounded(fake: Fake) -> (Arc<Fake>, Bounded) {
        let fake = Arc::new(fake);
        (fake.clone(), Bounded::new(fake, Duration::from_secs(10)))
    }

    fn spec() -> MintSpec {
        MintSpec { provider: "provider".into(), product: "product", ttl: 300 }
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_ends_a_mint() {
        let (fake, bounded) = bounded(Fake { takes: Duration::MAX, ..Fake::default() });
        let error = bounded.mint(&spec()).await.unwrap_err();
        assert!(matches!(error, ProviderError::Timeout(after) if after.as_secs() == 10));
        assert_eq!(fake.ended.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_panic_in_a_mint_is_an_error_of_ours() {
        let (_, bounded) = bounded(Fake { panics: true, ..Fake::default() });
        assert!(matches!(bounded.mint(&spec()).await, Err(ProviderError::Died)));
    }
}
