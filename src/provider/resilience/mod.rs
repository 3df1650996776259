//! Makes the best of several API keys and of a provider that fails: it takes the keys in turn, passes over
//! those that are refused, leaves a provider alone that is down, asks again where that is safe, and bounds it
//! all in time and in the harm that a panic can do.

mod availability;
mod budget;
mod key;
mod prefetch;
mod refusals;
mod repeated_tokens;
mod request;
mod retry;
#[cfg(test)]
mod tests;

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use tokio::time::{Instant, sleep, timeout_at};

use super::{Account, Invalid, Product, Provider, ProviderError};
use crate::{
    base::{chance::chance, secret::Secret},
    metrics::{Metrics, Retries},
    token::{MintSpec, Minted, Name},
};
pub(super) use prefetch::Prefetch;
pub(super) use refusals::Refusals;

use availability::{Cause, Outcome};
use key::{ApiKey, Attempt, most_helpful, of_the_key};
use repeated_tokens::RepeatedTokens;
use request::{RequestState, RequestStates};
use retry::{REASONS, may_retry};

/// The shortest API key that is looked for in tokens, in bytes.
const MIN_KEY: usize = 8;

/// Mints with any of several API keys, within one deadline.
pub(super) struct Resilience {
    /// The provider's.
    name: Name,
    /// At least one.
    keys: Vec<ApiKey>,
    /// The keys themselves, where they are long enough to be told from a part of a word.
    secrets: Vec<Secret>,
    products: &'static [Product],
    requests: RequestStates,
    retries: Retries,
    refusals: Refusals,
    repeated: RepeatedTokens,
    born: Instant,
    deadline: Duration,
    /// Between 0 and 1.
    chance: fn() -> f64,
}

impl Resilience {
    /// One of `adapters` for each key of `account`, in the same order.
    pub(super) fn new(
        account: &Account,
        products: &'static [Product],
        adapters: Vec<Arc<dyn Provider>>,
        metrics: &Metrics,
    ) -> Self {
        let name = &account.name;
        let keys = account.keys.iter().zip(adapters).enumerate();
        let keys =
            keys.map(|(at, (secret, adapter))| ApiKey::new(name, at + 1, secret, adapter, metrics));
        let secrets = account.keys.iter().filter(|key| key.expose().len() >= MIN_KEY);
        Self {
            name: name.clone(),
            keys: keys.collect(),
            secrets: secrets.cloned().collect(),
            products,
            requests: RequestStates::new(account.keys.len()),
            retries: metrics.provider_retries(name, &REASONS),
            refusals: Refusals::default(),
            repeated: RepeatedTokens::default(),
            born: Instant::now(),
            deadline: account.timeout,
            chance,
        }
    }

    /// How often a key was refused.
    pub(super) fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    fn now(&self) -> Duration {
        self.born.elapsed()
    }

    /// Asks again, as long as it is safe, of use and within the budget.
    async fn mint_until(
        &self,
        spec: &MintSpec,
        deadline: Instant,
    ) -> Result<Minted, ProviderError> {
        let request = self.requests.of(spec);
        let mut retries = 0;
        // The first failure after which there may be a token, if any.
        let mut doubt = None;
        loop {
            let result = self.try_all_keys(&request, spec, deadline, false).await;
            if retries == 0 && was_asked(&result) {
                request.budget.earn();
            }
            let error = match result {
                Ok(minted) => return Ok(minted),
                Err(error) => error,
            };
            let retry = may_retry(&error, retries, self.chance);
            let retry = retry.filter(|(_, pause)| Instant::now() + *pause < deadline);
            let Some((reason, pause)) = retry.filter(|_| request.budget.spend()) else {
                let error = match error {
                    // It was, at first.
                    ProviderError::Unasked(why) if retries > 0 => *why,
                    error => error,
                };
                return Err(doubt.filter(|_| error.minted_nothing()).unwrap_or(error));
            };
            tracing::debug!(provider = %spec.provider, %error, ?pause, "asking again");
            self.retries.count(reason);
            if !error.minted_nothing() {
                doubt.get_or_insert(error);
            }
            sleep(pause).await;
            retries += 1;
        }
    }

    /// Asks one key after the other, each once, until one is not refused for its own sake. What a
    /// refused key costs is bounded by its rest, so it costs the budget nothing.
    async fn try_all_keys(
        &self,
        request: &RequestState,
        spec: &MintSpec,
        deadline: Instant,
        is_prefetch: bool,
    ) -> Result<Minted, ProviderError> {
        let (mut reasons, mut asked) = (Vec::new(), false);
        for key in self.round_robin(request) {
            if asked && Instant::now() >= deadline {
                break;
            }
            let attempt = match self.attempt(request, key, is_prefetch) {
                Ok(attempt) => attempt,
                Err(reason) => {
                    reasons.push(reason);
                    continue;
                }
            };
            asked = true;
            let result = self.ask(attempt, spec, deadline).await;
            match result.map_err(of_the_key) {
                Ok(minted) => return Ok(minted),
                Err(Ok(reason)) => reasons.push(reason),
                Err(Err(error)) => return Err(error),
            }
        }
        // There is at least one key, and each had a reason.
        let error = most_helpful(reasons).unwrap_or(ProviderError::Died);
        Err(if asked { error } else { ProviderError::Unasked(Box::new(error)) })
    }

    /// The places of the keys, first those that can be used, beginning with another each time.
    fn round_robin(&self, request: &RequestState) -> impl Iterator<Item = usize> {
        let now = self.now();
        let is_available = |key: &usize| request.availability(*key).is_available(now);
        let (usable, others): (Vec<_>, Vec<_>) = (0..self.keys.len()).partition(is_available);
        let turn = request.turn.fetch_add(1, Relaxed);
        let first = turn.checked_rem(usable.len()).unwrap_or_default();
        let (after, before) = (usable[first..].to_vec(), usable[..first].to_vec());
        after.into_iter().chain(before).chain(others)
    }

    /// Asks to make a request with the key at this place; what to tell whoever needs it, if it rests or
    /// its provider fails. A prefetch does not find out whether that is over, and what goes wrong with it
    /// is held against nobody, so that no caller is refused for its sake.
    fn attempt<'a>(
        &'a self,
        request: &'a RequestState,
        key: usize,
        is_prefetch: bool,
    ) -> Result<Attempt<'a>, ProviderError> {
        let mut availability = request.availability(key);
        if is_prefetch && let Some(cause) = availability.cause() {
            return Err(match cause {
                Cause::Failures => ProviderError::BreakerOpen { retry_after: Duration::ZERO },
                _ => ProviderError::RateLimited { retry_after: None },
            });
        }
        let permit = availability.enter(self.now())?;
        self.keys[key].counts.asked();
        let outcome = Outcome::Unknown;
        Ok(Attempt { resilience: self, request, key, permit, is_prefetch, outcome })
    }

    async fn ask(
        &self,
        attempt: Attempt<'_>,
        spec: &MintSpec,
        deadline: Instant,
    ) -> Result<Minted, ProviderError> {
        let minted = timeout_at(deadline, attempt.key().adapter.mint(spec)).await;
        let minted = minted.unwrap_or(Err(ProviderError::Timeout(self.deadline)));
        let result = minted.and_then(|minted| self.new_only(minted, spec));
        attempt.end(&result);
        result
    }

    /// A single-use token is handed out once, and an API key never, whatever a gateway makes of it.
    fn new_only(&self, minted: Minted, spec: &MintSpec) -> Result<Minted, ProviderError> {
        let token = minted.token.expose();
        if self.secrets.iter().any(|secret| token.contains(secret.expose())) {
            return Err(Invalid::Token.into());
        }
        let product = self.products.iter().find(|product| product.name == spec.product);
        let single_use = product.is_some_and(|product| product.single_use);
        if single_use && !self.repeated.is_new(token, self.now()) {
            return Err(Invalid::Repeated.into());
        }
        Ok(minted)
    }
}

#[async_trait]
impl Provider for Resilience {
    async fn mint(&self, spec: &MintSpec) -> Result<Minted, ProviderError> {
        caught(spec, self.mint_until(spec, Instant::now() + self.deadline)).await
    }
}

/// What comes of `mint`, a panic included: what that leaves half done is put right by who drops it.
fn caught(
    spec: &MintSpec,
    mint: impl Future<Output = Result<Minted, ProviderError>>,
) -> impl Future<Output = Result<Minted, ProviderError>> {
    AssertUnwindSafe(mint).catch_unwind().map(|caught| {
        let result = caught.unwrap_or(Err(ProviderError::Died));
        match &result {
            Ok(_) => tracing::debug!(provider = %spec.provider, "minted"),
            Err(error) => tracing::debug!(provider = %spec.provider, %error, "not minted"),
        }
        result
    })
}

fn was_asked(result: &Result<Minted, ProviderError>) -> bool {
    result.as_ref().err().is_none_or(ProviderError::was_asked)
}
