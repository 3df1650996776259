//! Mints that nobody waits for. They take nothing away from those who wait. They use only keys that are
//! known to be good, so that it is callers who find out whether a key or a provider is back. What goes
//! wrong with them is held against no key. They are not made again, so that callers have all retries to
//! themselves.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;

use super::{Resilience, caught, was_asked};
use crate::{
    provider::{Provider, ProviderError},
    token::{MintSpec, Minted},
};

/// Mints with the same keys, and the same knowledge of them, as callers' requests.
pub(in crate::provider) struct Prefetch(pub(in crate::provider) Arc<Resilience>);

#[async_trait]
impl Provider for Prefetch {
    async fn mint(&self, spec: &MintSpec) -> Result<Minted, ProviderError> {
        let Self(resilience) = self;
        let deadline = Instant::now() + resilience.deadline;
        let mint = async {
            let request = resilience.requests.of(spec);
            let result = resilience.try_all_keys(&request, spec, deadline, true).await;
            if was_asked(&result) {
                // It spares a caller's, which would have earned as much.
                request.budget.earn();
            }
            result
        };
        caught(spec, mint).await
    }
}
