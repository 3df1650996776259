//! How the writer fares: shared between it and those who would rather not wait for it.

use std::{
    fmt,
    sync::atomic::{AtomicU8, AtomicU64, Ordering},
    time::Instant,
};

use tokio::sync::Semaphore;

use super::PATIENCE;

/// Grows only until records are taken again, so that each is logged once.
mod trouble {
    pub(super) const NONE: u8 = 0;
    pub(super) const LATE: u8 = 1;
    pub(super) const FAILED: u8 = 2;
}

#[derive(Debug)]
pub(super) struct Health {
    /// Where records go, for the log.
    place: String,
    /// Room for records that wait for the writer.
    pub(super) slots: Semaphore,
    /// How many there are of those.
    room: usize,
    /// What times are counted from.
    epoch: Instant,
    /// When the writer began with what it is writing, in milliseconds and one; 0: it is not writing.
    busy_since: AtomicU64,
    trouble: AtomicU8,
    /// Records that found no room, since they were last taken.
    lost: AtomicU64,
}

impl Health {
    pub(super) fn new(place: String, room: usize) -> Self {
        Self {
            place,
            slots: Semaphore::new(room),
            room,
            epoch: Instant::now(),
            busy_since: AtomicU64::new(0),
            trouble: AtomicU8::new(trouble::NONE),
            lost: AtomicU64::new(0),
        }
    }

    /// How many records wait for the writer.
    pub(super) fn waiting(&self) -> usize {
        self.room.saturating_sub(self.slots.available_permits())
    }

    /// Whether it is not worth while to wait for the writer.
    pub(super) fn is_stuck(&self) -> bool {
        let since = self.busy_since.load(Ordering::Acquire);
        let hangs = since != 0 && self.millis() >= since + PATIENCE.as_millis() as u64;
        hangs || self.trouble.load(Ordering::Acquire) == trouble::FAILED
    }

    pub(super) fn begin(&self) {
        self.busy_since.store(self.millis() + 1, Ordering::Release);
    }

    pub(super) fn end(&self) {
        self.busy_since.store(0, Ordering::Release);
    }

    /// The last write went well.
    pub(super) fn took(&self) {
        if self.trouble.swap(trouble::NONE, Ordering::AcqRel) != trouble::NONE {
            let lost = self.lost.swap(0, Ordering::AcqRel);
            tracing::info!(to = self.place, lost, "the audit takes records again");
        }
    }

    /// The last write failed.
    pub(super) fn failed(&self, error: &dyn fmt::Display) {
        if self.trouble.fetch_max(trouble::FAILED, Ordering::AcqRel) < trouble::FAILED {
            let place = &self.place;
            tracing::error!(to = place, %error, "the audit takes no records: nothing is vended");
        }
    }

    /// A record was not written in time.
    pub(super) fn late(&self) {
        if self.trouble.fetch_max(trouble::LATE, Ordering::AcqRel) == trouble::NONE {
            let place = &self.place;
            tracing::error!(
                to = place,
                "the audit is too slow: what it does not take is not vended"
            );
        }
    }

    /// A record found no room.
    pub(super) fn lost(&self) {
        self.lost.fetch_add(1, Ordering::AcqRel);
        self.late();
    }

    fn millis(&self) -> u64 {
        self.epoch.elapsed().as_millis() as u64
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
            let health = Health::new("file:/audit.log".to_owned(), 4);
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
