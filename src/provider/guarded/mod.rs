//! A wrapper that makes the best of several API keys and of a provider that fails: it takes the keys
//! in turn, lets those rest that are refused, leaves a provider alone that is down, asks again where
//! that is safe, and bounds it all in time and in the harm that a panic can do.

mod ahead;
mod breaker;
mod budget;
mod key;
mod refusals;
mod repeats;
mod rest;
#[cfg(test)]
mod tests;
mod verdict;

use std::{
    collections::HashSet,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use tokio::time::{Instant, sleep, timeout_at};

use super::{Account, Invalid, Product, Provider, ProviderError, Unreachable};
use crate::{
    base::{chance::chance, secret::Secret},
    metrics::Retries,
    outbound::ConnectError,
    token::{MintSpec, Minted},
};
pub(super) use ahead::Ahead;
pub(super) use refusals::Refusals;

use budget::Budget;
use key::{Attempt, Keyed, most_helpful, of_the_key};
use repeats::Repeats;

/// The most retries of one mint.
const MAX_RETRIES: u32 = 2;

/// The longest that a provider may want us to wait and still be asked again in the same mint.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why a provider is asked again, for the metrics.
const REASONS: [&str; 8] = [
    "refused",
    "tls",
    "name",
    "no_connection",
    "stale",
    "unprocessed",
    "unavailable",
    "rate_limited",
];

/// The shortest API key that is looked for in tokens, in bytes.
const MIN_KEY: usize = 8;

/// Mints with any of several API keys, within one deadline.
pub(super) struct Guarded {
    /// At least one.
    keys: Vec<Keyed>,
    /// The keys themselves, where they are long enough to be told from a part of a word.
    secrets: Vec<Secret>,
    /// Counts up, so that the keys take turns.
    turn: AtomicUsize,
    products: &'static [Product],
    /// The requests that were good once, by any key. There are as many as products have lifetimes.
    known: Mutex<HashSet<(&'static str, u32)>>,
    budget: Budget,
    retries: Retries,
    refusals: Refusals,
    repeats: Repeats,
    born: Instant,
    deadline: Duration,
}

/// Asks to use a key.
type Enter = fn(&Keyed) -> Result<Attempt<'_>, ProviderError>;

impl Guarded {
    /// One of `adapters` for each key of `account`, in the same order.
    pub(super) fn new(
        account: &Account,
        products: &'static [Product],
        adapters: Vec<Arc<dyn Provider>>,
    ) -> Self {
        let Account { name, metrics, .. } = account;
        let refusals = Refusals::default();
        let keys = account.keys.iter().zip(adapters).enumerate();
        let keys = keys.map(|(at, (secret, adapter))| {
            Keyed::new(name.clone(), at + 1, secret, adapter, metrics, refusals.clone())
        });
        let secrets = account.keys.iter().filter(|key| key.expose().len() >= MIN_KEY);
        Self {
            keys: keys.collect(),
            secrets: secrets.cloned().collect(),
            turn: AtomicUsize::default(),
            products,
            known: Mutex::default(),
            budget: Budget::default(),
            retries: metrics.provider_retries(name, &REASONS),
            refusals,
            repeats: Repeats::default(),
            born: Instant::now(),
            deadline: account.timeout,
        }
    }

    /// How often a key was refused.
    pub(super) fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// Round after round, as long as it is safe, of use and within the budget to ask again.
    async fn rounds(&self, spec: &MintSpec, deadline: Instant) -> Result<Minted, ProviderError> {
        let mut retries = 0;
        // The first failure after which there may be a token, if any.
        let mut doubt = None;
        loop {
            let result = self.round(spec, deadline, Keyed::enter).await;
            if retries == 0 && was_asked(&result) {
                self.budget.earn();
            }
            let error = match result {
                Ok(minted) => return Ok(minted),
                Err(error) => error,
            };
            let again = again(&error, retries);
            let again = again.filter(|(_, pause)| Instant::now() + *pause < deadline);
            let Some((reason, pause)) = again.filter(|_| self.budget.spend()) else {
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
    /// refused key costs is bounded by its rest, so it costs the budget nothing. `enter`: which keys
    /// may be asked.
    async fn round(
        &self,
        spec: &MintSpec,
        deadline: Instant,
        enter: Enter,
    ) -> Result<Minted, ProviderError> {
        let (mut reasons, mut asked) = (Vec::new(), false);
        for key in self.in_turn() {
            if asked && Instant::now() >= deadline {
                break;
            }
            let attempt = match enter(key) {
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

    /// The keys, first those that can be used, beginning with another each time.
    fn in_turn(&self) -> impl Iterator<Item = &Keyed> {
        let (open, closed): (Vec<_>, Vec<_>) = self.keys.iter().partition(|key| key.is_open());
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let first = turn.checked_rem(open.len()).unwrap_or_default();
        let (after, before) = (open[first..].to_vec(), open[..first].to_vec());
        after.into_iter().chain(before).chain(closed)
    }

    async fn ask(
        &self,
        attempt: Attempt<'_>,
        spec: &MintSpec,
        deadline: Instant,
    ) -> Result<Minted, ProviderError> {
        let minted = timeout_at(deadline, attempt.adapter().mint(spec)).await;
        let minted = minted.unwrap_or(Err(ProviderError::Timeout(self.deadline)));
        let result = minted.and_then(|minted| self.new_only(minted, spec));
        let known = self.is_known(spec, result.is_ok());
        attempt.end(&result, known);
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
        let now = self.born.elapsed();
        if single_use && !self.repeats.is_new(token, now) {
            return Err(Invalid::Repeated.into());
        }
        Ok(minted)
    }

    /// Whether such a request was good before; `good`: it is now.
    fn is_known(&self, spec: &MintSpec, good: bool) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let request = (spec.product, spec.ttl);
        known.contains(&request) || (good && known.insert(request))
    }
}

#[async_trait]
impl Provider for Guarded {
    async fn mint(&self, spec: &MintSpec) -> Result<Minted, ProviderError> {
        caught(spec, self.rounds(spec, Instant::now() + self.deadline)).await
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

/// Whether the provider may be asked again after this error and so many retries: why, and after how
/// long. This is the only place where a request is made again.
fn again(error: &ProviderError, retries: u32) -> Option<(&'static str, Duration)> {
    if retries >= MAX_RETRIES {
        return None;
    }
    let (reason, wait) = match error {
        ProviderError::Unreachable(Unreachable::Connect(why)) => {
            (unconnected(*why)?, Duration::ZERO)
        }
        ProviderError::Unreachable(Unreachable::Stale) => ("stale", Duration::ZERO),
        ProviderError::Unreachable(Unreachable::Unprocessed) => ("unprocessed", Duration::ZERO),
        ProviderError::Unavailable { status: 503, retry_after: Some(wait) } => {
            ("unavailable", *wait)
        }
        ProviderError::RateLimited { retry_after: Some(wait) } => ("rate_limited", *wait),
        // The provider does not say when, it will be no better, or there may be a token.
        ProviderError::Unavailable { .. }
        | ProviderError::RateLimited { retry_after: None }
        | ProviderError::Unreachable(Unreachable::HungUp)
        | ProviderError::Refused { .. }
        | ProviderError::InvalidResponse(_)
        | ProviderError::BreakerOpen { .. }
        | ProviderError::Unasked(_)
        | ProviderError::Timeout(_)
        | ProviderError::Died => return None,
    };
    (wait <= PATIENCE).then(|| (reason, wait + budget::pause(retries, chance())))
}

/// Why to ask again where there was no connection; `None`: it would be no better.
fn unconnected(why: ConnectError) -> Option<&'static str> {
    match why {
        ConnectError::Refused => Some("refused"),
        ConnectError::Tls => Some("tls"),
        ConnectError::Name => Some("name"),
        ConnectError::NoConnection | ConnectError::Proxy => Some("no_connection"),
        ConnectError::ClientCertificate => None,
    }
}
