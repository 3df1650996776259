//! How the writer fares: shared between it and those who would rather not wait for it.

use std::{
    fmt, mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::mpsc::Permit;

use super::{PATIENCE, writer::Job};

#[derive(Debug)]
pub(super) struct Health {
    /// Where records go, for the log.
    place: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Lines that the writer did not take yet.
    waiting: usize,
    /// Lines that it took, could not write, and keeps.
    kept: usize,
    /// When it began with what it is writing.
    busy_since: Option<Instant>,
    trouble: Trouble,
    /// Records that found no room, since they were last taken.
    lost: u64,
}

/// Grows only until records are taken again, so that each is logged once.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
enum Trouble {
    #[default]
    None,
    Late,
    Failed,
}

impl Health {
    pub(super) fn new(place: String) -> Self {
        Self { place, state: Mutex::default() }
    }

    /// Sends a line to the writer.
    pub(super) fn send(&self, room: Permit<'_, Job>, job: Job) {
        self.lock().waiting += 1;
        room.send(job);
    }

    /// How many lines wait for the writer.
    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting
    }

    /// Whether it is not worth while to wait for the writer.
    pub(super) fn is_stuck(&self) -> bool {
        let state = self.lock();
        let hangs = state.busy_since.is_some_and(|since| since.elapsed() >= PATIENCE);
        hangs || state.trouble == Trouble::Failed
    }

    /// Whether all is written.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.lock();
        state.waiting + state.kept == 0 && state.busy_since.is_none()
    }

    /// The writer took so many lines, and begins to write.
    pub(super) fn begin(&self, taken: usize) {
        let mut state = self.lock();
        state.waiting -= taken;
        state.busy_since = Some(Instant::now());
    }

    /// The writer is done, but for so many lines.
    pub(super) fn end(&self, kept: usize) {
        let mut state = self.lock();
        (state.kept, state.busy_since) = (kept, None);
    }

    /// The last write went well.
    pub(super) fn took(&self) {
        let mut state = self.lock();
        if mem::take(&mut state.trouble) != Trouble::None {
            let lost = mem::take(&mut state.lost);
            drop(state);
            tracing::info!(to = self.place, lost, "the audit takes records again");
        }
    }

    /// The last write failed.
    pub(super) fn failed(&self, error: &dyn fmt::Display) {
        if self.worsens(Trouble::Failed) {
            let place = &self.place;
            tracing::error!(to = place, %error, "the audit takes no records: nothing is vended");
        }
    }

    /// A record was not written in time.
    pub(super) fn late(&self) {
        if self.worsens(Trouble::Late) {
            let place = &self.place;
            tracing::error!(
                to = place,
                "the audit is too slow: what it does not take is not vended"
            );
        }
    }

    /// A record found no room.
    pub(super) fn lost(&self) {
        self.lock().lost += 1;
        self.late();
    }

    fn worsens(&self, trouble: Trouble) -> bool {
        let mut state = self.lock();
        let worsens = state.trouble < trouble;
        if worsens {
            state.trouble = trouble;
        }
        worsens
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn a_change_is_logged_once() {
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&log);
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || Shared(Arc::clone(&lines)))
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let health = Health::new("file:/audit.log".to_owned());
            health.took();
            health.late();
            health.lost();
            health.lost();
            health.failed(&"the disk is full");
            health.failed(&"the disk is full");
            assert!(health.is_stuck());
            health.late();
            health.took();
            health.took();
            assert!(!health.is_stuck());
        });
        let log = String::from_utf8(log.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = log.lines().collect();
        assert_eq!(lines.len(), 3, "{log}");
        assert!(lines[0].contains("ERROR") && lines[0].contains("too slow"), "{log}");
        assert!(lines[1].contains("ERROR") && lines[1].contains("the disk is full"), "{log}");
        assert!(lines[2].contains("INFO") && lines[2].contains("lost=2"), "{log}");
        assert!(lines.iter().all(|line| line.contains("file:/audit.log")), "{log}");
    }

    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
}
