//! The task that fills a pool, there only while someone asks.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _, future::Either, stream::FuturesUnordered};
use tokio::time::{Instant, sleep_until};

use super::{Inner, Means, Pooled, reason, stock::Order};
use crate::{
    audit::{Refill, Unrecorded},
    base::chance::chance,
    metrics::MintOutcome,
    provider::ProviderError,
    token::Minted,
};

/// What becomes of one mint.
enum Ended {
    Minted(Pooled),
    Failed(ProviderError),
    /// It could not be recorded, and so was not begun.
    Unrecorded(Unrecorded),
}

/// Fills the pool until nobody has asked for long, or it is not to be filled any more.
pub(super) async fn keep(pool: Arc<Inner>, means: Means) {
    let mut mints = FuturesUnordered::new();
    loop {
        let Some((orders, look_again)) = look(&pool, &means) else { return };
        mints.extend(orders.into_iter().map(|order| mint(&pool, &means).map(|it| (order, it))));
        let later = match look_again {
            Some(at) => Either::Left(sleep_until(pool.born + at)),
            None => Either::Right(std::future::pending()),
        };
        tokio::select! {
            Some((order, ended)) = mints.next(), if !mints.is_empty() => {
                take_in(&pool, &means, order, ended).await;
            }
            () = pool.changed.notified() => (),
            () = later => (),
        }
    }
}

/// What to mint now, and when to look again; `None` when there is nothing more to do.
fn look(pool: &Arc<Inner>, means: &Means) -> Option<(Vec<Order>, Option<Duration>)> {
    let now = pool.now();
    let mut shelf = pool.lock();
    let refused = shelf.look_for_refusals(&pool.refusals);
    let spoiled = shelf.stock.spoiled(now);
    let plan = shelf.stock.plan(now);
    // Under the lock: whoever asks next begins anew.
    shelf.is_kept = !plan.is_done;
    drop(shelf);
    pool.discard(refused, reason::REFUSED, means);
    pool.discard(spoiled, reason::EXPIRED, means);
    (!plan.is_done).then_some((plan.orders, plan.look_again))
}

/// Mints a token for whoever comes next.
async fn mint(pool: &Inner, means: &Means) -> Ended {
    let spec = &pool.spec;
    let refill = match means.audit.refill(&pool.token_type, &spec.provider, spec.ttl).await {
        Ok(refill) => refill,
        Err(unrecorded) => return Ended::Unrecorded(unrecorded),
    };
    let begun = Instant::now();
    let result = pool.provider.mint(spec).await;
    let outcome = MintOutcome::of(&result, ProviderError::minted_nothing);
    means.metrics.minted(&spec.provider, begun.elapsed(), outcome);
    match result {
        Ok(minted) => Ended::Minted(recorded(minted, refill, means)),
        Err(error) => {
            let mut refill = refill;
            if error.minted_nothing() {
                refill.minted_nothing();
            }
            refill.discard_because(reason::FAILED, error.to_string()).await;
            Ended::Failed(error)
        }
    }
}

fn recorded(minted: Minted, mut refill: Refill, means: &Means) -> Pooled {
    refill.minted(minted.token.expose(), means.clock.unix(), minted.expires_at);
    Pooled { minted, refill }
}

async fn take_in(pool: &Inner, means: &Means, order: Order, ended: Ended) {
    let token_type = &pool.token_type;
    match ended {
        Ended::Minted(pooled) => {
            pool.counts.minted();
            if let Err((pooled, why)) = keep_one(pool, means, order, pooled) {
                tracing::debug!(%token_type, why, "a token minted ahead is discarded at once");
                pool.counts.discarded(why, false);
                pooled.refill.discard(why).await;
            }
        }
        Ended::Failed(error) => {
            tracing::debug!(%token_type, %error, "no token could be minted ahead");
            if error.was_asked() {
                pool.counts.failed();
            }
            fail(pool, order, wait(&error), &error);
        }
        Ended::Unrecorded(error) => {
            tracing::debug!(%token_type, %error, "no token was minted ahead");
            pool.counts.failed();
            fail(pool, order, None, &error);
        }
    }
}

/// Puts it into the stock; why it does not belong there, if it does not.
fn keep_one(
    pool: &Inner,
    means: &Means,
    order: Order,
    pooled: Pooled,
) -> Result<(), (Pooled, &'static str)> {
    let until = pool.good_until(&pooled, means.clock.unix());
    let mut shelf = pool.lock();
    // Also what was on its way with a key that was refused meanwhile.
    let refused = shelf.look_for_refusals(&pool.refusals);
    let now = pool.now();
    let kept = shelf.stock.arrive(order, pooled, until, now);
    let why = match shelf.closed {
        _ if until <= now => reason::EXPIRED,
        Some(why) => why,
        None => reason::REFUSED,
    };
    if kept.is_ok() {
        pool.counts.kept();
    }
    let recovers = std::mem::take(&mut shelf.fails);
    drop(shelf);
    if recovers {
        tracing::info!(token_type = %pool.token_type, "tokens are minted ahead again");
    }
    pool.discard(refused, reason::REFUSED, means);
    kept.map_err(|pooled| (pooled, why))
}

fn fail(pool: &Inner, order: Order, wanted: Option<Duration>, error: &dyn std::fmt::Display) {
    let mut shelf = pool.lock();
    shelf.stock.fail(order, pool.now(), wanted, chance());
    let begins = !std::mem::replace(&mut shelf.fails, true);
    drop(shelf);
    if begins {
        tracing::warn!(token_type = %pool.token_type, %error, "minting ahead pauses");
    }
}

/// For how long the provider wants to be left alone.
fn wait(error: &ProviderError) -> Option<Duration> {
    match error {
        ProviderError::RateLimited { retry_after }
        | ProviderError::Unavailable { retry_after, .. } => *retry_after,
        ProviderError::Unasked(why) => wait(why),
        // That is for as long as no caller succeeds, of whom the pool is told.
        ProviderError::BreakerOpen { .. }
        | ProviderError::Refused { .. }
        | ProviderError::InvalidResponse(_)
        | ProviderError::Unreachable(_)
        | ProviderError::Timeout(_)
        | ProviderError::Died => None,
    }
}
