//! How many requests for a token are worked on at once. A few more wait, shortly and in their order;
//! the rest is better told at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// The gate.
#[derive(Debug)]
pub struct Gate {
    passes: Arc<Semaphore>,
    most: usize,
    waiting: AtomicUsize,
}

/// Leave to work on a request, until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Pass(#[expect(dead_code, reason = "held, not looked at")] OwnedSemaphorePermit);

impl Gate {
    /// A gate for at `most` so many at once.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { passes: Arc::new(Semaphore::new(most)), most, waiting: AtomicUsize::new(0) }
    }

    /// Lets only so many through, if that is fewer. Before the first comes.
    pub fn narrow(&self, most: usize) {
        self.passes.forget_permits(self.most.saturating_sub(most));
    }

    /// Whether it is of no use to come: nobody gets through now, and as many wait as may.
    #[must_use]
    pub fn is_full(&self, max_waiting: usize) -> bool {
        self.passes.available_permits() == 0 && self.waiting.load(Ordering::Relaxed) >= max_waiting
    }

    /// Waits for a pass, if no more than `max_waiting` do, and no longer than `patience`.
    pub async fn enter(&self, max_waiting: usize, patience: Duration) -> Option<Pass> {
        let passes = || Arc::clone(&self.passes);
        if let Ok(pass) = passes().try_acquire_owned() {
            return Some(Pass(pass));
        }
        let _place = Place::of(&self.waiting, max_waiting)?;
        let pass = timeout(patience, passes().acquire_owned()).await;
        pass.ok()?.ok().map(Pass)
    }
}

/// A place among those who wait, given back also by a caller who hangs up.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn of(waiting: &'a AtomicUsize, most: usize) -> Option<Self> {
        let place = Self(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < most).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(50);

    #[tokio::test(start_paused = true)]
    async fn a_few_wait_and_the_rest_is_told_at_once() {
        let gate = Arc::new(Gate::new(2));
        let first = gate.enter(1, PATIENCE).await.unwrap();
        let _second = gate.enter(1, PATIENCE).await.unwrap();
        assert!(!gate.is_full(1), "one may still wait");
        let third = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.enter(1, PATIENCE).await.is_some() }
        });
        tokio::task::yield_now().await;
        assert!(gate.is_full(1));
        let begun = tokio::time::Instant::now();
        assert!(gate.enter(1, PATIENCE).await.is_none());
        assert_eq!(begun.elapsed(), Duration::ZERO, "at once");
        drop(first);
        assert!(third.await.unwrap(), "who waits gets through");
        assert!(!gate.is_full(1));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_long() {
        let gate = Gate::new(1);
        let _pass = gate.enter(1, PATIENCE).await.unwrap();
        let begun = tokio::time::Instant::now();
        assert!(gate.enter(1, PATIENCE).await.is_none());
        assert_eq!(begun.elapsed(), PATIENCE);
        assert!(!gate.is_full(1), "the place was given back");
    }

    #[tokio::test]
    async fn a_narrower_gate_lets_fewer_through() {
        let gate = Gate::new(5);
        gate.narrow(1);
        gate.narrow(7);
        let _pass = gate.enter(0, PATIENCE).await.unwrap();
        assert!(gate.is_full(0));
        assert!(gate.enter(0, PATIENCE).await.is_none());
    }
}
