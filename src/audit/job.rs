//! A record on its way to the writer, and who waits for it.
//!
//! Both ends must agree on what the answer will be: a line that says "vended" for a token that was
//! withheld would be wrong, and so would a token without a line. They share a [`Fate`], which
//! whoever comes first decides for good.

use std::{
    future::poll_fn,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use futures_util::task::AtomicWaker;
use tokio::time::{Instant, timeout_at};

use super::{ABANDONED, UNAVAILABLE, Unrecorded, event::Event};

/// What became of a record.
#[derive(Debug)]
enum Fate {
    /// It was written, and its answer leaves.
    Written,
    /// It came too late, and its answer is this one.
    Instead(&'static str),
}

/// What both ends hold. Who waits lets go of it last, and so frees it in the thread that made it:
/// allocators are slow where others do.
#[derive(Debug)]
struct Ticket {
    fate: OnceLock<Fate>,
    /// Who waits for it.
    waiter: AtomicWaker,
    /// What was decided; `None` for an intent, which has no outcome that could change.
    event: Option<Box<Event>>,
    /// The line. Whoever sends it makes it, as there are many of those and one writer.
    line: Vec<u8>,
}

/// A record for the writer.
#[derive(Debug)]
pub(super) struct Job {
    ticket: Arc<Ticket>,
    /// The outcome that it turned out to have instead, and the line that says so.
    instead: Option<(&'static str, Vec<u8>)>,
}

/// The other end: waits until the record is written.
#[derive(Debug)]
pub(super) struct Waiting(Arc<Ticket>);

impl Ticket {
    /// Decides, unless that is done already, and tells who waits.
    fn decide(&self, fate: Fate) -> &Fate {
        let fate = self.fate.get_or_init(|| fate);
        self.waiter.wake();
        fate
    }

    fn poll(&self, context: &Context<'_>) -> Poll<()> {
        if self.fate.get().is_none() {
            self.waiter.register(context.waker());
        }
        // It may have been decided just before anyone was there to be told.
        if self.fate.get().is_some() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Job {
    /// A record that an answer waits for.
    pub(super) fn awaited(event: Box<Event>) -> (Self, Waiting) {
        Self::new(event.line(), Some(event))
    }

    /// The line of an intent, which a mint waits for.
    pub(super) fn intent(line: Vec<u8>) -> (Self, Waiting) {
        Self::new(line, None)
    }

    fn new(line: Vec<u8>, event: Option<Box<Event>>) -> (Self, Waiting) {
        let (fate, waiter) = (OnceLock::new(), AtomicWaker::new());
        let ticket = Arc::new(Ticket { fate, waiter, event, line });
        (Self { ticket: Arc::clone(&ticket), instead: None }, Waiting(ticket))
    }

    /// A record of what is settled: it stays true, whenever it is written.
    pub(super) fn settled(event: Box<Event>) -> Self {
        let outcome = event.outcome;
        let (job, waiting) = Self::awaited(event);
        let _ = waiting.0.fate.set(Fate::Instead(outcome));
        job
    }

    /// Whether it need not be written: an intent that came too late, so that nothing is minted.
    pub(super) fn is_withdrawn(&self) -> bool {
        self.ticket.event.is_none() && self.ticket.fate.get().is_some()
    }

    /// The line, as it is true by now.
    pub(super) fn line(&mut self) -> &[u8] {
        if let Some(Fate::Instead(outcome)) = self.ticket.fate.get()
            && let Some(event) = &self.ticket.event
            && *outcome != self.says(event)
        {
            let mut event = event.clone();
            event.instead(outcome);
            self.instead = Some((outcome, event.line()));
        }
        self.instead.as_ref().map_or(&self.ticket.line, |(_, line)| line)
    }

    /// The outcome in the line.
    fn says(&self, event: &Event) -> &'static str {
        self.instead.as_ref().map_or(event.outcome, |(outcome, _)| outcome)
    }

    /// Tells who waits that the line is written. Gives the record back where nobody waited that long:
    /// the line is no longer true, and needs another one after it.
    pub(super) fn written(self) -> Option<Self> {
        match self.ticket.decide(Fate::Written) {
            Fate::Written => None,
            Fate::Instead(outcome) => {
                // After an intent comes the record of the decision anyway, which says that nothing
                // was minted.
                let event = self.ticket.event.as_ref();
                let is_true = event.is_none_or(|event| self.says(event) == *outcome);
                (!is_true).then_some(self)
            }
        }
    }

    /// Tells who waits that the line cannot be written now. It will be later, with another outcome.
    pub(super) fn failed(&mut self) {
        self.ticket.decide(Fate::Instead(UNAVAILABLE));
    }
}

impl Waiting {
    /// Waits until `deadline`.
    pub(super) async fn until(self, deadline: Instant) -> Result<(), Unrecorded> {
        let decided = poll_fn(|context| self.0.poll(context));
        let _ = timeout_at(deadline, decided).await;
        match self.0.fate.get_or_init(|| Fate::Instead(UNAVAILABLE)) {
            Fate::Written => Ok(()),
            Fate::Instead(_) => Err(Unrecorded),
        }
    }
}

/// The client hung up while its record was being written.
impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.0.fate.set(Fate::Instead(ABANDONED));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn vended() -> (Job, Waiting) {
        Job::awaited(Box::new(Event { outcome: "vended", ..Event::default() }))
    }

    fn outcome(job: &mut Job) -> String {
        let line: serde_json::Value = serde_json::from_slice(job.line()).unwrap();
        format!("{} {}", line["outcome"].as_str().unwrap(), line["instead_of"])
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(100)
    }

    #[tokio::test(start_paused = true)]
    async fn written_in_time() {
        let (mut job, waiting) = vended();
        assert_eq!(outcome(&mut job), "vended null");
        assert!(job.written().is_none());
        assert!(waiting.until(soon()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn late_before_the_writer_began_is_one_line() {
        let (mut job, waiting) = vended();
        assert!(waiting.until(soon()).await.is_err());
        assert_eq!(outcome(&mut job), "audit_unavailable \"vended\"");
        assert!(job.written().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn late_while_the_writer_writes_needs_a_second_line() {
        let (mut job, waiting) = vended();
        assert_eq!(outcome(&mut job), "vended null");
        assert!(waiting.until(soon()).await.is_err());
        let mut again = job.written().unwrap();
        assert_eq!(outcome(&mut again), "audit_unavailable \"vended\"");
        assert!(again.written().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn failed_is_told_at_once() {
        let (mut job, waiting) = vended();
        job.failed();
        let never = Instant::now() + Duration::from_secs(1_000_000);
        let begun = Instant::now();
        assert!(waiting.until(never).await.is_err() && begun == Instant::now());
        assert_eq!(outcome(&mut job), "audit_unavailable \"vended\"");
    }

    #[test]
    fn who_hangs_up_while_it_is_written_is_recorded_as_gone() {
        let (mut job, waiting) = vended();
        assert_eq!(outcome(&mut job), "vended null");
        drop(waiting);
        let mut again = job.written().unwrap();
        assert_eq!(outcome(&mut again), "abandoned \"vended\"");
    }

    #[tokio::test(start_paused = true)]
    async fn an_intent_that_comes_too_late_is_withdrawn() {
        let (mut job, waiting) = Job::intent(b"intent\n".to_vec());
        assert!(!job.is_withdrawn());
        assert!(waiting.until(soon()).await.is_err());
        assert!(job.is_withdrawn());
        assert_eq!(job.line(), b"intent\n", "when it is being written, it stays as it is");
        assert!(job.written().is_none(), "and needs no other line of its own");
        let (job, waiting) = Job::intent(b"intent\n".to_vec());
        assert!(job.written().is_none());
        assert!(waiting.until(soon()).await.is_ok());
    }

    #[test]
    fn what_is_settled_stays() {
        let mut job = Job::settled(Box::new(Event { outcome: "abandoned", ..Event::default() }));
        job.failed();
        assert_eq!(outcome(&mut job), "abandoned null");
        assert!(job.written().is_none());
    }
}
