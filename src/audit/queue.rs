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

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread, time::Instant};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn job() -> Job {
        Job::intent(b"line\n".to_vec()).0
    }

    fn taken(queue: &Queue) -> Option<usize> {
        queue.take(&mut Vec::new(), 10, &mut Vec::new())
    }

    #[test]
    fn one_calls_for_all_that_come_before_it_does() {
        let queue = Queue::default();
        let call = queue.send(job()).unwrap().unwrap();
        assert!(queue.send(job()).unwrap().is_none());
        drop(call);
        let later = queue.send(job()).unwrap();
        assert!(later.is_some(), "who comes after the call has to call again");
        assert_eq!(taken(&queue), Some(3));
        drop(later);
        assert_eq!(taken(&queue), Some(0));
        assert!(queue.send(job()).unwrap().is_some());
    }

    #[test]
    fn who_forgets_to_call_calls_all_the_same() {
        let queue = Queue::default();
        thread::scope(|scope| {
            let writer = scope.spawn(|| taken(&queue));
            drop(queue.send(job()).unwrap());
            assert_eq!(writer.join().unwrap(), Some(1));
        });
    }

    #[test]
    fn what_is_too_much_for_one_batch_is_called_again() {
        let queue = Queue::default();
        let (tell, _told) = mpsc::sync_channel(1);
        let calls: Vec<_> = (0..3).map(|_| queue.send(job()).unwrap()).collect();
        queue.flush(tell);
        let (mut batch, mut flushes) = (Vec::new(), Vec::new());
        assert_eq!(queue.take(&mut batch, 2, &mut flushes), Some(2));
        assert!(flushes.is_empty(), "not all that was sent before");
        batch.clear();
        assert_eq!(queue.take(&mut batch, 2, &mut flushes), Some(1));
        assert_eq!(flushes.len(), 1);
        drop(calls);
    }

    #[test]
    fn a_flush_ends_a_rest_and_the_end_ends_all() {
        let queue = Queue::default();
        let begun = Instant::now();
        assert!(queue.rest(Duration::from_millis(1)));
        let (tell, _told) = mpsc::sync_channel(1);
        queue.flush(tell);
        assert!(queue.rest(LONG));
        drop(queue.send(job()).unwrap());
        queue.close();
        assert!(!queue.rest(LONG) && begun.elapsed() < LONG);
        assert!(queue.send(job()).is_err());
        assert_eq!(taken(&queue), Some(1), "what came before the end");
        assert_eq!(taken(&queue), None);
    }
}
