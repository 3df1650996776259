//! Many at once, on several threads.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{task::JoinSet, time::sleep};

use super::support::{Set, set};

/// Everyone asks, and `meanwhile` something happens.
async fn rush(set: &Arc<Set>, each: u32, meanwhile: impl Fn(&Set)) -> Vec<String> {
    *set.fake.latency.lock().unwrap() = Duration::from_micros(100);
    let taken = Arc::new(Mutex::new(Vec::new()));
    let mut callers = JoinSet::new();
    for _ in 0..50 {
        let (set, taken) = (Arc::clone(set), Arc::clone(&taken));
        callers.spawn(async move {
            for _ in 0..each {
                taken.lock().unwrap().extend(set.take());
                tokio::task::yield_now().await;
            }
        });
    }
    while !callers.is_empty() {
        meanwhile(set);
        let _ = tokio::time::timeout(Duration::from_millis(5), callers.join_next()).await;
    }
    std::mem::take(&mut *taken.lock().unwrap())
}

fn each_once(set: &Set, taken: &[String]) {
    let different: HashSet<_> = taken.iter().collect();
    assert_eq!(different.len(), taken.len(), "a token was handed out twice");
    set.adds_up(taken.len() as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_thousand_requests_get_each_token_once() {
    let set = Arc::new(set(500));
    let taken = rush(&set, 2_000, |_| ()).await;
    assert!(taken.len() > 1_000, "only {} were taken", taken.len());
    set.pool.stop(&set.means);
    sleep(Duration::from_millis(50)).await;
    each_once(&set, &taken);
    assert_eq!(set.stock(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_happens_meanwhile() {
    let set = Arc::new(set(100));
    let taken = rush(&set, 1_000, |set| set.refusals.add_one()).await;
    set.pool.drain();
    sleep(Duration::from_millis(50)).await;
    assert!(!set.is_kept());
    each_once(&set, &taken);
}
