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

/// How many may wait. A longer queue is only a slower refusal.
const MAX_WAITING: usize = 128;

/// How long they wait. After that a refusal is of more use than an answer.
const PATIENCE: Duration = Duration::from_millis(50);

/// The gate.
#[derive(Debug)]
pub struct Gate {
    passes: Arc<Semaphore>,
    most: usize,
    waiting: AtomicUsize,
}

/// Leave to work on a request, until it is dropped.
#[derive(Debug)]
pub struct Pass(#[expect(dead_code, reason = "held, not looked at")] OwnedSemaphorePermit);

impl Gate {
    /// A gate for at `most` so many at once.
    pub fn new(most: usize) -> Self {
        Self { passes: Arc::new(Semaphore::new(most)), most, waiting: AtomicUsize::new(0) }
    }

    /// Lets only so many through, if that is fewer. Before the first comes.
    pub fn narrow(&self, most: usize) {
        self.passes.forget_permits(self.most.saturating_sub(most));
    }

    /// Whether it is of no use to come: nobody gets through now, and as many wait as may.
    pub fn is_full(&self) -> bool {
        self.passes.available_permits() == 0 && self.waiting.load(Ordering::Relaxed) >= MAX_WAITING
    }

    /// Waits for a pass, shortly, and only if few others do.
    pub async fn enter(&self) -> Option<Pass> {
        let passes = || Arc::clone(&self.passes);
        if let Ok(pass) = passes().try_acquire_owned() {
            return Some(Pass(pass));
        }
        let _place = Place::of(&self.waiting)?;
        let pass = timeout(PATIENCE, passes().acquire_owned()).await;
        pass.ok()?.ok().map(Pass)
    }
}

/// A place among those who wait, given back also by a caller who hangs up.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn of(waiting: &'a AtomicUsize) -> Option<Self> {
        let place = Self(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < MAX_WAITING).then_some(place)
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

    #[tokio::test(start_paused = true)]
    async fn a_few_wait_and_the_rest_is_told_at_once() {
        let gate = Arc::new(Gate::new(2));
        let first = gate.enter().await.unwrap();
        let _second = gate.enter().await.unwrap();
        let waits = |_| {
            let gate = Arc::clone(&gate);
            tokio::spawn(async move { gate.enter().await.map(drop).is_some() })
        };
        let are_waiting = async |most| {
            while gate.waiting.load(Ordering::Relaxed) < most {
                tokio::task::yield_now().await;
            }
        };
        let mut waiting: Vec<_> = (1..MAX_WAITING).map(waits).collect();
        are_waiting(MAX_WAITING - 1).await;
        assert!(!gate.is_full(), "one may still wait");
        waiting.push(waits(0));
        are_waiting(MAX_WAITING).await;
        assert!(gate.is_full());
        let begun = tokio::time::Instant::now();
        assert!(gate.enter().await.is_none());
        assert_eq!(begun.elapsed(), Duration::ZERO, "at once");
        drop(first);
        for waiting in waiting {
            assert!(waiting.await.unwrap(), "who waits gets through");
        }
        assert!(!gate.is_full());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_long() {
        let gate = Gate::new(1);
        let _pass = gate.enter().await.unwrap();
        let begun = tokio::time::Instant::now();
        assert!(gate.enter().await.is_none());
        assert_eq!(begun.elapsed(), PATIENCE);
        assert!(!gate.is_full(), "the place was given back");
    }

    #[tokio::test]
    async fn a_narrower_gate_lets_fewer_through() {
        let gate = Gate::new(5);
        gate.narrow(1);
        gate.narrow(7);
        let _pass = gate.enter().await.unwrap();
        assert!(gate.enter().await.is_none());
    }
}
