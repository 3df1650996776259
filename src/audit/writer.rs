//! The thread that writes. It takes all that waits, writes it in one go, and acknowledges each.
//!
//! What nobody waits for and could not be written it keeps, and tries again every second until it can:
//! that is also how it finds out that a full disk has room again. It never holds more than one batch.

use std::{
    iter, mem,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use tokio::sync::{
    mpsc::Receiver,
    oneshot::{self, Sender},
};

use super::{
    MAX_BATCH,
    health::Health,
    output::{Output, Target},
};

/// How long after a failure it is tried again.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A line for the writer.
#[derive(Debug)]
pub(super) struct Job {
    line: Vec<u8>,
    /// Tells who waits that it is written. Where nobody waits the line is true whenever that is.
    written: Option<Sender<()>>,
}

impl Job {
    /// A line that someone waits for.
    pub(super) fn awaited(line: Vec<u8>) -> (Self, oneshot::Receiver<()>) {
        let (written, acknowledged) = oneshot::channel();
        (Self { line, written: Some(written) }, acknowledged)
    }

    /// A line of what is settled.
    pub(super) fn settled(line: Vec<u8>) -> Self {
        Self { line, written: None }
    }

    /// Whether who waited for it does not do so any more, and has sent what is true now.
    fn is_withdrawn(&self) -> bool {
        self.written.as_ref().is_some_and(Sender::is_closed)
    }
}

pub(super) struct Writer<T> {
    queue: Receiver<Job>,
    /// Rings when there is something in the queue, and ends when there never will be.
    bell: mpsc::Receiver<()>,
    output: Output<T>,
    health: Arc<Health>,
    /// What is to be written next. Empty unless something failed.
    batch: Vec<Job>,
    /// There may be more in the queue, of which nobody rings again.
    has_more: bool,
    is_failing: bool,
}

impl<T: Target> Writer<T> {
    pub(super) fn new(
        queue: Receiver<Job>,
        bell: mpsc::Receiver<()>,
        output: Output<T>,
        health: Arc<Health>,
    ) -> Self {
        let (has_more, is_failing) = (false, false);
        Self { queue, bell, output, health, batch: Vec::new(), has_more, is_failing }
    }

    /// Writes until nobody is left to send anything.
    pub(super) fn run(mut self) {
        while self.take() {
            self.batch.retain(|job| !job.is_withdrawn());
            // Nothing but what was withdrawn says nothing of how the target fares.
            if self.is_failing || !self.batch.is_empty() {
                self.write();
            }
            self.health.end(self.batch.len());
        }
    }

    /// Waits until there is something to write. False: there never will be.
    fn take(&mut self) -> bool {
        if self.is_failing {
            thread::sleep(TRY_AGAIN_AFTER);
        } else if !self.has_more {
            // Also where there are lines already: who sent them rings once the others have sent theirs.
            let _ = self.bell.recv();
        }
        let room = MAX_BATCH - self.batch.len();
        let taken = self.receive(room);
        self.has_more = taken == room;
        self.health.begin(taken);
        // Once nobody knows of us any more, nobody will mend what fails either.
        taken > 0 || !self.queue.is_closed()
    }

    /// Takes what waits, at most so many lines, and says how many.
    fn receive(&mut self, room: usize) -> usize {
        let waiting = iter::from_fn(|| self.queue.try_recv().ok()).take(room);
        let before = self.batch.len();
        self.batch.extend(waiting);
        self.batch.len() - before
    }

    fn write(&mut self) {
        let (mut lines, mut ends) = (Vec::new(), Vec::with_capacity(self.batch.len()));
        for job in &self.batch {
            lines.extend_from_slice(&job.line);
            ends.push(lines.len());
        }
        if lines.is_empty() {
            // An empty line tells whether there is room again.
            lines.push(b'\n');
        }
        let result = self.output.put(&lines);
        let written = match &result {
            Ok(()) => ends.len(),
            Err(cut) => ends.partition_point(|end| *end <= cut.written),
        };
        // Before anyone is told, so that whoever is told can rely on it.
        match &result {
            Ok(()) => self.health.took(),
            Err(cut) => self.health.failed(&cut.error),
        }
        self.is_failing = result.is_err();
        let left = self.batch.split_off(written);
        for job in mem::replace(&mut self.batch, left) {
            if let Some(written) = job.written {
                let _ = written.send(());
            }
        }
        // Whoever waits for the others learns from this that they are not, and sends what is true then.
        self.batch.retain(|job| job.written.is_none());
    }
}
