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

fn names() -> (Arc<Fake>, AddressCache) {
    let fake = Arc::new(Fake::default());
    let system = fake.clone();
    let names = AddressCache::new(move |_| {
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

async fn ask(names: &AddressCache) -> Result<u8, String> {
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
    let addresses = SYSTEM.addresses("localhost").await.unwrap();
    assert!(addresses.iter().all(|address| address.ip().is_loopback()));
    let error = SYSTEM.addresses("provider.invalid").await.unwrap_err();
    assert!(matches!(error, Unresolved::Failed(_) | Unresolved::Slow), "{error}");
}
