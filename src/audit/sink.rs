//! The way to the writer: a channel with an end, and bounds on how long anyone waits.
//!
//! Whoever writes and whoever waits must agree on what the answer will be: a line that says "vended"
//! for a token that was withheld would be wrong, and so would a token without a line. The
//! acknowledgement decides: either it was sent before who waits closed its end, or it was not.

#[cfg(test)]
mod tests;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::SyncSender,
    },
    thread,
    time::Duration,
};

use tokio::{
    sync::{
        Semaphore, SemaphorePermit,
        mpsc::{self, Permit, PermitIterator},
        oneshot,
    },
    task::yield_now,
    time::{Instant, timeout_at},
};

use super::{
    ABANDONED, UNAVAILABLE, Unrecorded,
    event::Event,
    health::Health,
    output::{Output, Target},
    writer::{Job, Writer},
};

/// The most records that wait of those whom nobody knows: so few that even a slow pipe takes them
/// within what an answer waits.
const MAX_STRANGERS: usize = 8;

/// How long it may take to open the place. A pipe that nobody reads does not open at all.
const OPENS_WITHIN: Duration = Duration::from_secs(5);

/// How long the end of the process waits for the last lines.
const ENDS_WITHIN: Duration = Duration::from_secs(2);

/// How often it looks meanwhile.
const LOOKS_EVERY: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(super) struct Sink {
    queue: mpsc::Sender<Job>,
    health: Arc<Health>,
    strangers: Semaphore,
    /// After the queue, so that the writer finds that one closed when the bell is gone.
    bell: Bell,
}

/// Wakes the writer.
///
/// To wake a thread costs more than to write a line. So whoever is the first to send one lets all others
/// that are ready send theirs, and then rings for all of them.
#[derive(Debug)]
struct Bell {
    /// Has room for one, which says that it was rung.
    rung: SyncSender<()>,
    /// Someone is about to ring.
    is_promised: AtomicBool,
}

impl Bell {
    fn ring(&self) {
        self.is_promised.store(false, Ordering::SeqCst);
        // It has been rung, or the writer is gone, which its channel tells as well.
        let _ = self.rung.try_send(());
    }
}

/// Rings when it is dropped, so also where who promised it is no longer there.
struct Promise<'a>(&'a Bell);

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        self.0.ring();
    }
}

/// Room for a record, and for another one that corrects it.
pub(super) type Room<'a> = PermitIterator<'a, Job>;

/// A line on its way, for who waits for it.
struct Pending<'a> {
    written: oneshot::Receiver<()>,
    /// The record, and room for its correction. An intent has no outcome that could change.
    correction: Option<(Permit<'a, Job>, Box<Event>)>,
    sink: &'a Sink,
}

impl Sink {
    /// Starts a writer to what `open` opens, which also says whether that ends in the middle of a
    /// line. There is room for `room` records that wait for it, and for their corrections.
    pub(super) fn start<T: Target>(
        place: &str,
        room: usize,
        open: impl FnOnce() -> io::Result<(T, bool)> + Send + 'static,
    ) -> Result<Self, String> {
        let (tell, opened) = std::sync::mpsc::sync_channel(1);
        let (queue, jobs) = mpsc::channel(2 * room);
        let (rung, bell) = std::sync::mpsc::sync_channel(1);
        let health = Arc::new(Health::new(place.to_owned()));
        let known = Arc::clone(&health);
        let run = move || match open() {
            Ok((target, torn)) => {
                let _ = tell.try_send(Ok(()));
                Writer::new(jobs, bell, Output::new(target, torn), known).run();
            }
            Err(error) => drop(tell.try_send(Err(error.to_string()))),
        };
        let failed = |why: String| format!("audit.to = \"{place}\" cannot be opened: {why}");
        let spawned = thread::Builder::new().name("audit".to_owned()).spawn(run);
        spawned.map_err(|error| failed(error.to_string()))?;
        match opened.recv_timeout(OPENS_WITHIN) {
            Ok(Ok(())) => {
                let strangers = Semaphore::new(MAX_STRANGERS);
                let bell = Bell { rung, is_promised: AtomicBool::new(false) };
                Ok(Self { queue, health, strangers, bell })
            }
            Ok(Err(why)) => Err(failed(why)),
            Err(_) => Err(failed("it takes too long; is it a pipe that nobody reads?".to_owned())),
        }
    }

    /// Whether records are not taken now.
    pub(super) fn is_stuck(&self) -> bool {
        self.health.is_stuck() || self.queue.capacity() < 2
    }

    /// Waits for a place among the few that those have who are not known to anyone, so that they
    /// cannot crowd out whoever is. `None`: not before `deadline`.
    pub(super) async fn share_of_strangers(
        &self,
        deadline: Instant,
    ) -> Option<SemaphorePermit<'_>> {
        let share = timeout_at(deadline, self.strangers.acquire()).await;
        share.ok().and_then(Result::ok)
    }

    /// Waits for room. `None`: not before `deadline`, or it is known that there will be none.
    pub(super) async fn room(&self, deadline: Instant) -> Option<Room<'_>> {
        if self.health.is_stuck() {
            return None;
        }
        let room = timeout_at(deadline, self.queue.reserve_many(2)).await;
        room.ok().and_then(Result::ok)
    }

    /// Writes `event`, and waits for that until `deadline`.
    pub(super) async fn write(
        &self,
        mut room: Room<'_>,
        event: Box<Event>,
        deadline: Instant,
    ) -> Result<(), Unrecorded> {
        let (Some(now), Some(later)) = (room.next(), room.next()) else { return Err(Unrecorded) };
        let (job, written) = Job::awaited(event.line());
        self.health.send(now, job);
        Pending { written, correction: Some((later, event)), sink: self }.until(deadline).await
    }

    /// Writes the line of an intent, and waits for that until `deadline`.
    pub(super) async fn write_intent(
        &self,
        intent: Vec<u8>,
        deadline: Instant,
    ) -> Result<(), Unrecorded> {
        let Some(now) = self.room(deadline).await.and_then(|mut room| room.next()) else {
            self.health.late();
            return Err(Unrecorded);
        };
        let (job, written) = Job::awaited(intent);
        self.health.send(now, job);
        Pending { written, correction: None, sink: self }.until(deadline).await
    }

    /// Queues the record with the outcome `audit_unavailable`, and does not wait for it.
    pub(super) fn write_unavailable(&self, mut event: Box<Event>) {
        self.health.late();
        event.instead(UNAVAILABLE);
        self.write_some_time(&event);
    }

    /// Has `event` written without waiting; it must be true whenever that is.
    /// Of strangers' there are few, or those of callers would come too late behind them.
    pub(super) fn write_some_time(&self, event: &Event) {
        if event.is_of_stranger() && self.health.waiting() >= MAX_STRANGERS {
            return self.lose();
        }
        match self.queue.try_reserve() {
            Ok(permit) => self.send_settled(permit, event),
            Err(mpsc::error::TrySendError::Full(())) => self.lose(),
            Err(mpsc::error::TrySendError::Closed(())) => {
                self.health.failed(&"its writer has ended");
            }
        }
    }

    /// Has `event` written, which stays true whenever that is, if need be without `room`.
    pub(super) fn write_settled(&self, room: Option<Room<'_>>, event: &Event) {
        match room.and_then(|mut room| room.next()) {
            Some(permit) => self.send_settled(permit, event),
            None => self.write_some_time(event),
        }
    }

    fn send_settled(&self, room: Permit<'_, Job>, event: &Event) {
        self.health.send(room, Job::settled(event.line()));
        self.bell.ring();
    }

    /// Counts a record that will not be written.
    pub(super) fn lose(&self) {
        self.health.lost();
    }

    /// Waits, within bounds, until everything sent before is written. It looks again and again: this
    /// is for the end of the process, and blocks whoever calls it.
    pub(super) fn flush(&self) {
        let begun = std::time::Instant::now();
        while !self.health.is_idle() {
            if begun.elapsed() > ENDS_WITHIN {
                return tracing::error!("the audit did not take its last records");
            }
            thread::sleep(LOOKS_EVERY);
        }
    }
}

impl Pending<'_> {
    /// Waits until `deadline`.
    async fn until(mut self, deadline: Instant) -> Result<(), Unrecorded> {
        if !self.sink.bell.is_promised.swap(true, Ordering::SeqCst) {
            let _promise = Promise(&self.sink.bell);
            yield_now().await;
        }
        let written = timeout_at(deadline, &mut self.written).await;
        if matches!(written, Ok(Ok(()))) {
            self.correction = None;
            return Ok(());
        }
        let decided = self.decide(UNAVAILABLE);
        if decided.is_err() {
            self.sink.health.late();
        }
        decided
    }

    /// Decides that the line was written in time, or else that its outcome is this one.
    fn decide(&mut self, outcome: &'static str) -> Result<(), Unrecorded> {
        self.written.close();
        let correction = self.correction.take();
        if self.written.try_recv().is_ok() {
            return Ok(());
        }
        if let Some((permit, mut event)) = correction {
            event.instead(outcome);
            self.sink.send_settled(permit, &event);
        }
        Err(Unrecorded)
    }
}

/// The client hung up while its record was being written.
impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if self.correction.is_some() {
            let _ = self.decide(ABANDONED);
        }
    }
}
