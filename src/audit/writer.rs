//! The thread that writes. It takes all that waits, writes it in one go, and tells each.
//!
//! What it could not write it keeps, and tries again every second until it can: that is also how it
//! finds out that a full disk has room again. Meanwhile it takes nothing new, so it never holds
//! more than one batch.

use std::{
    sync::{Arc, mpsc::SyncSender},
    time::Duration,
};

use super::{
    MAX_BATCH,
    health::Health,
    job::Job,
    output::{Output, Target},
    queue::Queue,
};

/// How long after a failure it is tried again.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

pub(super) struct Writer<T> {
    queue: Arc<Queue>,
    output: Output<T>,
    health: Arc<Health>,
    /// What is to be written next. Empty unless something failed or came too late.
    batch: Vec<Job>,
    flushes: Vec<SyncSender<()>>,
    failing: bool,
}

impl<T: Target> Writer<T> {
    pub(super) fn new(queue: Arc<Queue>, output: Output<T>, health: Arc<Health>) -> Self {
        Self { queue, output, health, batch: vec![], flushes: vec![], failing: false }
    }

    /// Writes until nobody is left to send anything.
    pub(super) fn run(mut self) {
        while self.wait() {
            // Nothing but what was withdrawn says nothing of how the target fares.
            if !self.batch.is_empty() {
                self.write();
            }
            if self.batch.is_empty() {
                for flush in self.flushes.drain(..) {
                    let _ = flush.try_send(());
                }
            }
        }
    }

    /// Waits until there is something to write. False: there never will be.
    fn wait(&mut self) -> bool {
        if self.failing {
            // Once nobody knows of us any more, nobody will mend what fails either.
            return self.queue.rest(TRY_AGAIN_AFTER);
        }
        let Some(taken) = self.queue.take(&mut self.batch, MAX_BATCH, &mut self.flushes) else {
            return false;
        };
        // Those who wait for room are woken all at once.
        self.health.slots.add_permits(taken);
        self.batch.retain(|job| !job.is_withdrawn());
        true
    }

    fn write(&mut self) {
        self.health.begin();
        let (mut lines, mut ends) = (Vec::new(), Vec::with_capacity(self.batch.len()));
        for job in &mut self.batch {
            lines.extend_from_slice(job.line());
            ends.push(lines.len());
        }
        let result = self.output.put(&mut lines);
        self.health.end();

        let written = match &result {
            Ok(()) => ends.len(),
            Err(cut) => ends.partition_point(|end| *end <= cut.written),
        };
        // Before anyone is told, so that whoever is told can rely on it.
        match &result {
            Ok(()) => self.health.took(),
            Err(cut) => self.health.failed(&cut.error),
        }
        self.failing = result.is_err();
        let untrue: Vec<_> = self.batch.drain(..written).filter_map(Job::written).collect();
        self.batch.iter_mut().for_each(Job::failed);
        self.batch.extend(untrue);
    }
}

/// However it ended, be it by a defect, nothing is taken any more.
impl<T> Drop for Writer<T> {
    fn drop(&mut self) {
        self.queue.close();
    }
}
