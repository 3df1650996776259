//! Keeps one connection more than are used, so that no request has to wait for one: neither the first
//! of all nor the first for a long time.
//!
//! Servers close connections that carry nothing, and a request that is sent just then fails. So a spare
//! one is given up before they do so: after a time that gets shorter when one of them was faster.

use std::{future::poll_fn, sync::Weak, task::Poll, time::Duration};

use tokio::{
    sync::oneshot,
    time::{Instant, sleep},
};

use super::pool::{Pool, Spare};
use crate::base::chance::chance;

/// How long one is of use. Servers wait for a first request for 30 s (hyper) or 60 s (nginx), and what
/// is between us may count from a moment earlier.
const LONGEST: Duration = Duration::from_secs(30);

/// With a server that closes them sooner than twice this it is of no use at all.
const SHORTEST: Duration = Duration::from_secs(2);

/// How many in a row may be closed so soon. One or two are, when a server restarts.
const MANY: u32 = 3;

/// The first pause after a failure; it doubles with each.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long spare connections last, and when to make the next.
#[derive(Debug, PartialEq, Eq)]
struct Pace {
    of_use: Duration,
    pause: Duration,
    too_soon: u32,
}

/// How a spare connection ended.
enum End {
    Taken,
    Old,
    /// The server closed it after this time.
    Closed(Duration),
}

/// Keeps one as long as there is a pool.
pub(super) async fn keep_one(pool: Weak<Pool>) {
    let mut pace = Pace::new();
    loop {
        let Some(strong) = pool.upgrade() else { return };
        let opened = strong.open(true).await;
        let Ok(connection) = opened else {
            drop(strong);
            sleep(pace.failed()).await;
            continue;
        };
        let (taken, is_taken) = oneshot::channel();
        let born = Instant::now();
        let spare = Spare { connection, until: born + pace.of_use, _taken: taken };
        strong.kept().put_spare(spare);
        drop(strong);
        let Some(pause) = pace.ended(&watch(is_taken, end(&pool), born, pace.of_use).await) else {
            tracing::debug!("the server closes connections too soon to keep a spare one");
            return;
        };
        sleep(pause).await;
    }
}

/// When the server closes the spare connection.
fn end(pool: &Weak<Pool>) -> impl Future<Output = ()> {
    poll_fn(move |cx| {
        let Some(pool) = pool.upgrade() else { return Poll::Ready(()) };
        let mut kept = pool.kept();
        let end = kept.spare.as_mut().map_or(Poll::Pending, |it| it.connection.poll_end(cx));
        // Nobody must take it for one that can be used.
        kept.spare.take_if(|_| end.is_ready());
        end
    })
}

async fn watch(
    is_taken: oneshot::Receiver<()>,
    end: impl Future<Output = ()>,
    born: Instant,
    of_use: Duration,
) -> End {
    tokio::select! {
        biased;
        _ = is_taken => End::Taken,
        () = end => End::Closed(born.elapsed()),
        // In time for the next to be there.
        () = sleep(of_use * 4 / 5) => End::Old,
    }
}

impl Pace {
    fn new() -> Self {
        Self { of_use: LONGEST, pause: PAUSE, too_soon: 0 }
    }

    /// How long to wait after a connection could not be made.
    fn failed(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        // Less up to a quarter, so that not everyone comes at once.
        pause.mul_f64(1.0 - chance() / 4.0)
    }

    /// How long to wait after one came to its end; `None`: for ever.
    fn ended(&mut self, end: &End) -> Option<Duration> {
        let End::Closed(after) = end else {
            (self.pause, self.too_soon) = (PAUSE, 0);
            return Some(Duration::ZERO);
        };
        self.of_use = self.of_use.min(*after / 2).max(SHORTEST);
        self.too_soon = if *after < SHORTEST * 2 { self.too_soon + 1 } else { 0 };
        (self.too_soon < MANY).then(|| self.failed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn where_servers_are_faster_so_are_we() {
        let mut pace = Pace::new();
        assert_eq!(pace.ended(&End::Old), Some(Duration::ZERO));
        assert_eq!(pace.of_use, LONGEST);
        for (closed, of_use) in [(seconds(20), 10), (seconds(30), 10), (seconds(5), 2)] {
            assert!(pace.ended(&End::Closed(closed)) > Some(Duration::ZERO));
            assert_eq!((pace.of_use.as_secs(), pace.too_soon), (of_use, 0));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_is_made_before_it_is_of_no_use() {
        let (_not_taken, is_taken) = oneshot::channel();
        let (open, born) = (std::future::pending(), Instant::now());
        let end = watch(is_taken, open, born, LONGEST).await;
        assert!(matches!(end, End::Old) && born.elapsed() < LONGEST, "{:?}", born.elapsed());
    }

    #[test]
    fn where_it_is_of_no_use_none_is_kept() {
        let mut pace = Pace::new();
        let soon = End::Closed(seconds(1));
        // A restart.
        assert!(pace.ended(&soon).is_some() && pace.ended(&soon).is_some());
        assert!(pace.ended(&End::Taken).is_some());
        assert!(pace.ended(&soon).is_some() && pace.ended(&soon).is_some());
        assert_eq!(pace.ended(&soon), None);
    }

    #[test]
    fn who_cannot_be_reached_is_asked_less_and_less() {
        let mut pace = Pace::new();
        let pauses: Vec<_> = (0..8).map(|_| pace.failed()).collect();
        for (pause, most) in pauses.iter().zip([1, 2, 4, 8, 16, 32, 60, 60]) {
            assert!(*pause <= seconds(most) && *pause >= seconds(most) * 3 / 4, "{pauses:?}");
        }
        pace.ended(&End::Taken);
        assert!(pace.failed() <= PAUSE);
    }
}
