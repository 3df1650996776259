//! Names and their addresses. A name is looked up once however many ask, by the system, which
//! takes a thread for it as long as it takes; answers are kept for a while, and for longer where
//! there is no newer one to be had.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

/// How long addresses are good without asking again.
const FRESH: Duration = Duration::from_secs(30);
/// How long they are used for want of newer ones.
const STALE: Duration = Duration::from_secs(300);
/// How long nobody asks again after there was no answer, or after a connection failed.
const PAUSE: Duration = Duration::from_secs(1);
/// How long anyone waits for an answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// After so long without an answer another try is made, though the first still holds its thread.
const GIVEN_UP: Duration = Duration::from_secs(60);

/// What all clients share: whoever asked first has asked for everyone.
pub(super) static NAMES: LazyLock<Names> = LazyLock::new(|| Names::new(system));

type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// The names that were asked for, and their addresses.
#[derive(Clone)]
pub(super) struct Names(Arc<Inner>);

struct Inner {
    look_up: Box<dyn Fn(String) -> Looking + Send + Sync>,
    entries: Mutex<HashMap<String, Entry>>,
}

#[derive(Default)]
struct Entry {
    found: Option<Found>,
    /// When the last lookup failed, and why.
    failed: Option<(Instant, String)>,
    flight: Option<Flight>,
    /// Old addresses are in use, and that has been said.
    is_stale: bool,
}

struct Found {
    addresses: Vec<SocketAddr>,
    at: Instant,
    /// A connection to them failed.
    is_doubtful: bool,
}

/// A lookup that is under way.
#[derive(Clone)]
struct Flight {
    since: Instant,
    /// Closed at its end, also where that comes with its runtime's.
    end: watch::Receiver<()>,
}

/// Why a name has no address.
#[derive(Debug, thiserror::Error)]
enum Unresolved {
    #[error("{0}")]
    Failed(String),
    #[error("the name lookup does not answer")]
    Slow,
}

enum Look {
    Known(Vec<SocketAddr>),
    /// There is no answer, and it is too early to ask again.
    TooEarly,
    UnderWay(Flight),
}

impl Names {
    fn new(look_up: impl Fn(String) -> Looking + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner { look_up: Box::new(look_up), entries: Mutex::default() }))
    }

    /// Asks again before the next connection: nobody could be reached at these addresses.
    pub(super) fn doubt(&self, name: &str) {
        if let Some(found) = self.entries().get_mut(name).and_then(|it| it.found.as_mut()) {
            found.is_doubtful |= found.at.elapsed() > PAUSE;
        }
    }

    async fn addresses(&self, name: &str) -> Result<Vec<SocketAddr>, Unresolved> {
        match self.look(name) {
            Look::Known(addresses) => return Ok(addresses),
            Look::TooEarly => (),
            Look::UnderWay(mut flight) => {
                let _ = timeout_at(flight.since + PATIENCE, flight.end.changed()).await;
            }
        }
        self.entries().entry(name.to_owned()).or_default().best(name)
    }

    fn look(&self, name: &str) -> Look {
        let mut entries = self.entries();
        let now = Instant::now();
        if let Some(entry) = entries.get(name) {
            if let Some(found) = entry.found.as_ref().filter(|it| it.is_fresh()) {
                return Look::Known(found.addresses.clone());
            }
            if entry.failed.as_ref().is_some_and(|(at, _)| now < *at + PAUSE) {
                return Look::TooEarly;
            }
            if let Some(flight) = entry.flight.as_ref().filter(|it| it.is_under_way()) {
                return Look::UnderWay(flight.clone());
            }
        }
        entries.retain(|_, entry| entry.is_of_use());
        let (sender, end) = watch::channel(());
        let flight = Flight { since: now, end };
        entries.entry(name.to_owned()).or_default().flight = Some(flight.clone());
        let (names, name) = (self.clone(), name.to_owned());
        tokio::spawn(async move {
            let answer = (names.0.look_up)(name.clone()).await;
            names.entries().entry(name.clone()).or_default().land(&name, answer);
            drop(sender);
        });
        Look::UnderWay(flight)
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let names = self.clone();
        Box::pin(async move {
            let addresses = names.addresses(name.as_str()).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

impl Entry {
    /// What can be said now: fresh addresses, or old ones, or why there are none.
    fn best(&mut self, name: &str) -> Result<Vec<SocketAddr>, Unresolved> {
        let Some(found) = self.found.as_ref().filter(|it| it.at.elapsed() < STALE) else {
            return Err(match &self.failed {
                Some((at, why)) if at.elapsed() < PAUSE => Unresolved::Failed(why.clone()),
                _ => Unresolved::Slow,
            });
        };
        if !found.is_fresh() && !self.is_stale {
            self.is_stale = true;
            let seconds = found.at.elapsed().as_secs();
            let why = self.failed.as_ref().map_or("no answer", |(_, why)| why);
            tracing::warn!(
                name,
                seconds,
                why,
                "a name cannot be looked up: old addresses are used"
            );
        }
        Ok(found.addresses.clone())
    }

    fn land(&mut self, name: &str, answer: io::Result<Vec<SocketAddr>>) {
        let at = Instant::now();
        self.flight = None;
        match answer {
            Ok(addresses) if !addresses.is_empty() => {
                if std::mem::take(&mut self.is_stale) {
                    tracing::info!(name, "a name can be looked up again");
                }
                self.failed = None;
                self.found = Some(Found { addresses, at, is_doubtful: false });
            }
            Ok(_) => self.failed = Some((at, "the name lookup found no address".to_owned())),
            Err(error) => self.failed = Some((at, error.to_string())),
        }
    }

    fn is_of_use(&self) -> bool {
        let is_known = self.found.as_ref().is_some_and(|it| it.at.elapsed() < STALE);
        is_known || self.flight.as_ref().is_some_and(Flight::is_under_way)
    }
}

impl Found {
    fn is_fresh(&self) -> bool {
        !self.is_doubtful && self.at.elapsed() < FRESH
    }
}

impl Flight {
    fn is_under_way(&self) -> bool {
        self.since.elapsed() < GIVEN_UP && self.end.has_changed().is_ok()
    }
}

/// What the system says, with its hosts file, search domains and all.
fn system(name: String) -> Looking {
    Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use tokio::time::{advance, sleep};

    use super::*;

    /// A system that counts how often it is asked, and does as told.
    #[derive(Default)]
    struct Fake {
        asked: AtomicU32,
        answer: Mutex<Answer>,
    }

    #[derive(Clone, Copy, Default)]
    enum Answer {
        #[default]
        Hang,
        Fail,
        Panic,
        /// 10.0.0.n, after a while.
        Address(u8),
    }

    fn names() -> (Arc<Fake>, Names) {
        let fake = Arc::new(Fake::default());
        let system = fake.clone();
        let names = Names::new(move |_| {
            system.asked.fetch_add(1, Relaxed);
            let answer = *system.answer.lock().unwrap();
            Box::pin(async move {
                sleep(Duration::from_millis(100)).await;
                match answer {
                    Answer::Hang => std::future::pending().await,
                    Answer::Fail => Err(io::Error::other("as told")),
                    Answer::Panic => panic!("as told"),
                    Answer::Address(last) => Ok(vec![([10, 0, 0, last], 0).into()]),
                }
            })
        });
        (fake, names)
    }

    impl Fake {
        fn will(&self, answer: Answer) {
            *self.answer.lock().unwrap() = answer;
        }

        fn asked(&self) -> u32 {
            self.asked.swap(0, Relaxed)
        }
    }

    async fn ask(names: &Names) -> Result<u8, String> {
        let addresses = names.addresses("provider.example").await.map_err(|why| why.to_string())?;
        match addresses[0] {
            SocketAddr::V4(address) => Ok(address.ip().octets()[3]),
            SocketAddr::V6(_) => unreachable!(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_good_for_a_while_and_then_a_change_is_seen() {
        let (fake, names) = names();
        fake.will(Answer::Address(1));
        assert_eq!((ask(&names).await, ask(&names).await, fake.asked()), (Ok(1), Ok(1), 1));
        fake.will(Answer::Address(2));
        advance(FRESH - Duration::from_secs(1)).await;
        assert_eq!((ask(&names).await, fake.asked()), (Ok(1), 0));
        advance(Duration::from_secs(1)).await;
        assert_eq!((ask(&names).await, fake.asked()), (Ok(2), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_is_looked_up_once_however_many_ask() {
        let (fake, names) = names();
        let begun = Instant::now();
        let ask = |_| {
            let names = names.clone();
            tokio::spawn(async move { ask(&names).await })
        };
        for asking in (0..1_000).map(ask).collect::<Vec<_>>() {
            assert_eq!(asking.await.unwrap(), Err(Unresolved::Slow.to_string()));
        }
        assert_eq!((fake.asked(), begun.elapsed().as_secs()), (1, PATIENCE.as_secs()));
        // Later ones do not even wait, until one more thread is risked.
        let begun = Instant::now();
        for _ in 0..10 {
            assert!(ask(0).await.unwrap().is_err());
        }
        assert_eq!((fake.asked(), begun.elapsed()), (0, Duration::ZERO));
        advance(GIVEN_UP).await;
        fake.will(Answer::Address(1));
        assert_eq!((ask(0).await.unwrap(), fake.asked()), (Ok(1), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_remembered_for_a_moment() {
        let (fake, names) = names();
        fake.will(Answer::Fail);
        for _ in 0..10 {
            assert_eq!(ask(&names).await, Err("as told".to_owned()));
        }
        assert_eq!(fake.asked(), 1);
        advance(PAUSE).await;
        fake.will(Answer::Address(1));
        assert_eq!((ask(&names).await, fake.asked()), (Ok(1), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn old_addresses_are_better_than_none() {
        for trouble in [Answer::Fail, Answer::Hang] {
            let (fake, names) = names();
            fake.will(Answer::Address(1));
            assert_eq!(ask(&names).await, Ok(1));
            fake.will(trouble);
            advance(FRESH).await;
            for _ in 0..50 {
                assert_eq!(ask(&names).await, Ok(1));
                assert!(names.entries()["provider.example"].is_stale);
                advance(Duration::from_secs(5)).await;
            }
            advance(STALE).await;
            assert!(ask(&names).await.is_err());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_could_be_reached_the_name_is_asked_for_again() {
        let (fake, names) = names();
        fake.will(Answer::Address(1));
        assert_eq!((ask(&names).await, fake.asked()), (Ok(1), 1));
        fake.will(Answer::Address(2));
        names.doubt("provider.example");
        assert_eq!((ask(&names).await, fake.asked()), (Ok(1), 0), "it has just been asked for");
        advance(PAUSE * 2).await;
        names.doubt("provider.example");
        assert_eq!((ask(&names).await, fake.asked()), (Ok(2), 1));
        names.doubt("unknown.example");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lookup_that_dies_is_no_lookup_under_way() {
        let (fake, names) = names();
        fake.will(Answer::Panic);
        assert!(ask(&names).await.is_err());
        fake.will(Answer::Address(1));
        assert_eq!((ask(&names).await, fake.asked()), (Ok(1), 2));
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_needs_any_more_is_forgotten() {
        let (fake, names) = names();
        fake.will(Answer::Address(1));
        for n in 0..100 {
            names.addresses(&format!("n{n}.example")).await.unwrap();
        }
        advance(STALE).await;
        names.addresses("one.example").await.unwrap();
        assert_eq!(names.entries().len(), 1);
    }

    #[tokio::test]
    async fn the_system_is_asked() {
        let addresses = NAMES.addresses("localhost").await.unwrap();
        assert!(addresses.iter().all(|address| address.ip().is_loopback()));
        let error = NAMES.addresses("provider.invalid").await.unwrap_err();
        assert!(matches!(error, Unresolved::Failed(_) | Unresolved::Slow), "{error}");
    }
}
