//! The thread that writes. It takes all that waits, writes it in one go, and tells each.
//!
//! What it could not write it keeps, and tries again every second until it can: that is also how it
//! finds out that a full disk has room again. Meanwhile it takes nothing new, so it never holds
//! more than one batch.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender},
    },
    thread,
    time::Duration,
};

use super::{
    MAX_WAITING,
    health::Health,
    job::Job,
    output::{Output, Target},
};

/// How long after a failure it is tried again.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What the writer is told.
#[derive(Debug)]
pub(super) enum Message {
    Write(Box<Job>),
    /// Tell, once all that was sent before this is written.
    Flush(SyncSender<()>),
}

pub(super) struct Writer<T> {
    messages: Receiver<Message>,
    output: Output<T>,
    health: Arc<Health>,
    /// What is to be written next. Empty unless something failed or came too late.
    batch: Vec<Job>,
    /// How many were taken from the queue, whose room is given back at once: that wakes others.
    taken: usize,
    flushes: Vec<SyncSender<()>>,
    failing: bool,
}

impl<T: Target> Writer<T> {
    pub(super) fn new(messages: Receiver<Message>, output: Output<T>, health: Arc<Health>) -> Self {
        Self { messages, output, health, batch: vec![], taken: 0, flushes: vec![], failing: false }
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
            thread::park_timeout(TRY_AGAIN_AFTER);
            // Nobody else knows of us, so nobody will mend what fails either.
            return Arc::strong_count(&self.health) > 1;
        }
        if self.batch.is_empty() {
            match self.messages.recv() {
                Ok(message) => self.accept(message),
                Err(_) => return false,
            }
        }
        while self.batch.len() < MAX_WAITING
            && let Ok(message) = self.messages.try_recv()
        {
            self.accept(message);
        }
        self.health.slots.add_permits(std::mem::take(&mut self.taken));
        true
    }

    fn accept(&mut self, message: Message) {
        match message {
            Message::Write(job) => {
                self.taken += 1;
                if !job.is_withdrawn() {
                    self.batch.push(*job);
                }
            }
            Message::Flush(tell) => self.flushes.push(tell),
        }
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
