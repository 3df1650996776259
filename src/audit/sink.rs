//! The way to the writer: a queue with an end, and bounds on how long anyone waits.

use std::{
    io,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::yield_now,
    time::{Instant, timeout_at},
};

use super::{
    UNAVAILABLE, Unrecorded,
    event::Event,
    health::Health,
    job::{Job, Waiting},
    output::{Output, Target},
    queue::{Call, Queue},
    writer::Writer,
};

/// The most records that wait of those whom nobody knows: so few that even a slow pipe takes them
/// within what an answer waits.
const MAX_STRANGERS: usize = 8;

/// How long it may take to open the place. A pipe that nobody reads does not open at all.
const OPENS_WITHIN: Duration = Duration::from_secs(5);

/// How long the end of the process waits for the last lines.
const ENDS_WITHIN: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Sink {
    queue: Arc<Queue>,
    health: Arc<Health>,
    strangers: Semaphore,
}

/// Room for one record.
pub(super) struct Room<'a>(SemaphorePermit<'a>);

impl Sink {
    /// Starts a writer to what `open` opens, which also says whether that ends in the middle of a
    /// line. There is room for `room` records that wait for it.
    pub(super) fn start<T: Target>(
        place: &str,
        room: usize,
        open: impl FnOnce() -> io::Result<(T, bool)> + Send + 'static,
    ) -> Result<Self, String> {
        let (tell, opened) = mpsc::sync_channel(1);
        let (queue, health) =
            (Arc::<Queue>::default(), Arc::new(Health::new(place.to_owned(), room)));
        let (taken, known) = (Arc::clone(&queue), Arc::clone(&health));
        let run = move || {
            let target = open().map_err(|error| error.to_string());
            let (told, target) = target.map_or_else(|e| (Err(e), None), |it| (Ok(()), Some(it)));
            let _ = tell.try_send(told);
            if let Some((target, torn)) = target {
                Writer::new(taken, Output::new(target, torn), known).run();
            }
        };
        let failed = |why: String| format!("audit.to = \"{place}\" cannot be opened: {why}");
        let spawned = thread::Builder::new().name("audit".to_owned()).spawn(run);
        spawned.map_err(|error| failed(error.to_string()))?;
        match opened.recv_timeout(OPENS_WITHIN) {
            Ok(Ok(())) => Ok(Self { queue, health, strangers: Semaphore::new(MAX_STRANGERS) }),
            Ok(Err(why)) => Err(failed(why)),
            Err(_) => Err(failed("it takes too long; is it a pipe that nobody reads?".to_owned())),
        }
    }

    /// Whether records are not taken now.
    pub(super) fn is_stuck(&self) -> bool {
        self.health.is_stuck() || self.health.slots.available_permits() == 0
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

    /// Waits for room. None: not before `deadline`, or it is known that there will be none.
    pub(super) async fn room(&self, deadline: Instant) -> Option<Room<'_>> {
        if self.health.is_stuck() {
            return None;
        }
        // Mostly there is room, and then nobody need look at the time.
        if let Ok(permit) = self.health.slots.try_acquire() {
            return Some(Room(permit));
        }
        let permit = timeout_at(deadline, self.health.slots.acquire()).await;
        permit.ok().and_then(Result::ok).map(Room)
    }

    /// Writes `event`, and waits for that until `deadline`.
    pub(super) async fn write(
        &self,
        room: Room<'_>,
        event: Box<Event>,
        deadline: Instant,
    ) -> Result<(), Unrecorded> {
        self.write_awaited(room, Job::awaited(event), deadline).await
    }

    /// Writes the line of an intent, and waits for that until `deadline`.
    pub(super) async fn write_intent(
        &self,
        line: Vec<u8>,
        deadline: Instant,
    ) -> Result<(), Unrecorded> {
        match self.room(deadline).await {
            Some(room) => self.write_awaited(room, Job::intent(line), deadline).await,
            None => {
                self.health.late();
                Err(Unrecorded)
            }
        }
    }

    async fn write_awaited(
        &self,
        room: Room<'_>,
        (job, waiting): (Job, Waiting),
        deadline: Instant,
    ) -> Result<(), Unrecorded> {
        if let Some(call) = self.send(room, job) {
            // Whatever can run now may have something to write, too.
            yield_now().await;
            drop(call);
        }
        let result = waiting.until(deadline).await;
        if result.is_err() {
            self.health.late();
        }
        result
    }

    /// Has the outcome that an answer gets whose record came too late written some time.
    pub(super) fn write_unavailable(&self, mut event: Box<Event>) {
        self.health.late();
        event.instead(UNAVAILABLE);
        self.write_some_time(event);
    }

    /// Has `event` written without waiting; it must be true whenever that is.
    /// Of strangers' there are few, or those of callers would come too late behind them.
    pub(super) fn write_some_time(&self, event: Box<Event>) {
        if event.is_of_stranger() && self.health.waiting() >= MAX_STRANGERS {
            return self.health.lost();
        }
        match self.health.slots.try_acquire() {
            Ok(permit) => drop(self.send(Room(permit), Job::settled(event))),
            Err(_) => self.health.lost(),
        }
    }

    /// Has `event` written, which stays true whenever that is.
    pub(super) fn write_settled(&self, room: Room<'_>, event: Box<Event>) {
        self.send(room, Job::settled(event));
    }

    /// Counts a record that will not be written.
    pub(super) fn lose(&self) {
        self.health.lost();
    }

    /// Waits, within bounds, until everything sent before is written.
    pub(super) fn flush(&self) {
        let (tell, told) = mpsc::sync_channel(1);
        self.queue.flush(tell);
        if told.recv_timeout(ENDS_WITHIN).is_err() {
            tracing::error!("the audit did not take its last records");
        }
    }

    fn send(&self, room: Room<'_>, job: Job) -> Option<Call<'_>> {
        // The writer gives it back when it takes the record.
        room.0.forget();
        self.queue.send(job).unwrap_or_else(|_| {
            self.health.failed(&"its writer has ended");
            None
        })
    }
}

/// Nothing comes any more.
impl Drop for Sink {
    fn drop(&mut self) {
        self.queue.close();
    }
}
