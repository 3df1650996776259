//! Mints that nobody waits for. They take nothing away from those who wait: they only use keys that are
//! known to be good, so that it is callers who find out whether a key or a provider is back; what goes
//! wrong with them brings no key to rest and opens no breaker; and they are not made again, so that
//! callers have all retries to themselves.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;

use super::{Guarded, caught, key::Keyed, was_asked};
use crate::{
    provider::{Provider, ProviderError},
    token::{MintSpec, Minted},
};

/// Mints with the same keys, and the same knowledge of them, as callers' requests.
pub(in crate::provider) struct Ahead(pub(in crate::provider) Arc<Guarded>);

#[async_trait]
impl Provider for Ahead {
    async fn mint(&self, spec: &MintSpec) -> Result<Minted, ProviderError> {
        let Self(guarded) = self;
        let deadline = Instant::now() + guarded.deadline;
        let round = async {
            let result = guarded.round(spec, deadline, Keyed::enter_ahead).await;
            if was_asked(&result) {
                // It spares a caller's, which would have earned as much.
                guarded.budget.earn();
            }
            result
        };
        caught(spec, round).await
    }
}
