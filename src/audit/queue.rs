//! The way to the writer's thread, which wakes it as seldom as can be.
//!
//! To wake a thread costs more than to write a line. So whoever sends the first record after a batch
//! is to call the writer, and does so when its runtime has nothing else to do at once; those that
//! come meanwhile ride along. Under load that makes batches of all that became ready together.

use std::{
    mem,
    sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc::SyncSender},
    time::Duration,
};

use super::job::Job;

#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    jobs: Vec<Job>,
    /// Who is told once all before it is written.
    flushes: Vec<SyncSender<()>>,
    /// Someone will call the writer.
    promised: bool,
    /// The writer is called.
    called: bool,
    /// The writer waits, and has to be woken.
    asleep: bool,
    /// What could not be written is to be tried again now.
    hurry: bool,
    /// Nobody sends anything any more, or the writer has ended.
    closed: bool,
}

/// A promise to call the writer, kept when it is dropped.
#[must_use = "the writer is called when this is dropped"]
#[derive(Debug)]
pub(super) struct Call<'a>(&'a Queue);

/// The writer has ended.
#[derive(Debug)]
pub(super) struct Closed;

impl Queue {
    /// Sends a record. Some: nobody else calls the writer.
    pub(super) fn send(&self, job: Job) -> Result<Option<Call<'_>>, Closed> {
        let mut state = self.lock();
        if state.closed {
            return Err(Closed);
        }
        state.jobs.push(job);
        let first = !mem::replace(&mut state.promised, true);
        Ok(first.then(|| Call(self)))
    }

    /// Has `tell` told when all that was sent before is written, and that tried at once.
    pub(super) fn flush(&self, tell: SyncSender<()>) {
        let mut state = self.lock();
        state.flushes.push(tell);
        (state.called, state.hurry) = (true, true);
        self.wake(state);
    }

    /// Nothing will be sent, or nothing will be taken any more.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.wake(state);
    }

    /// Waits for a call, then moves records to `batch` until it has `most`, and who is to be told of
    /// them to `flushes`. Says how many records; `None`: there never will be any.
    pub(super) fn take(
        &self,
        batch: &mut Vec<Job>,
        most: usize,
        flushes: &mut Vec<SyncSender<()>>,
    ) -> Option<usize> {
        let called = self.changed.wait_while(self.lock(), |state| {
            state.asleep = !state.called && !state.closed && batch.is_empty();
            state.asleep
        });
        let mut state = called.unwrap_or_else(PoisonError::into_inner);
        if state.closed && state.jobs.is_empty() && batch.is_empty() {
            return None;
        }
        let taken = state.jobs.len().min(most.saturating_sub(batch.len()));
        batch.extend(state.jobs.drain(..taken));
        state.called = !state.jobs.is_empty();
        if !state.called {
            flushes.append(&mut state.flushes);
        }
        Some(taken)
    }

    /// Waits for a while, or for someone who will have all written. False: nobody is left.
    pub(super) fn rest(&self, time: Duration) -> bool {
        let rested = self.changed.wait_timeout_while(self.lock(), time, |state| {
            state.asleep = !state.hurry && !state.closed;
            state.asleep
        });
        let (mut state, _) = rested.unwrap_or_else(PoisonError::into_inner);
        (state.asleep, state.hurry) = (false, false);
        !state.closed
    }

    /// A notification is a system call even where nobody waits for it.
    fn wake(&self, mut state: MutexGuard<'_, State>) {
        if mem::take(&mut state.asleep) {
            drop(state);
            self.changed.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        (state.promised, state.called) = (false, true);
        self.0.wake(state);
    }
}
