//! What is written of tokens that are minted ahead.

use std::{collections::HashMap, path::Path, time::Duration};

use serde_json::Value;
use tokio::time::sleep;

use super::{
    super::Pooled,
    support::{Does, Set, set_with},
};
use crate::{
    audit::Audit,
    provider::{ProviderError, Refusal},
};

fn recorded(file: &Path) -> Set {
    let set = set_with(8, Audit::appending_to(file));
    *set.fake.latency.lock().unwrap() = Duration::from_millis(1);
    set
}

/// As vending does it.
async fn hand_out(set: &Set, pooled: Pooled) {
    let mut record = set.means.audit.begin("id", "/session", [127, 0, 0, 1].into());
    record.pooled(pooled.refill);
    record.finish("vended").await.unwrap();
}

/// All lines, once everything that goes on has ended.
async fn lines(set: &Set, file: &Path) -> Vec<Value> {
    set.means.tasks.close();
    set.means.tasks.wait().await;
    set.means.audit.flush();
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn each_has_an_intent_and_one_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.log");
    let set = recorded(&file);
    let mut handed_out = 0;
    for _ in 0..20 {
        if let Some(pooled) = set.pool.take(&set.means) {
            hand_out(&set, pooled).await;
            handed_out += 1;
        }
        sleep(Duration::from_millis(5)).await;
    }
    set.pool.stop(&set.means);
    let lines = lines(&set, &file).await;
    let mut ends: HashMap<&str, Vec<&str>> = HashMap::new();
    for line in &lines {
        let id = line["mint_id"].as_str().unwrap();
        ends.entry(id).or_default().push(line["event"].as_str().unwrap());
    }
    assert_eq!(ends.len() as u64, set.minted());
    let count = |end| ends.values().filter(|events| **events == ["refill", end]).count();
    assert_eq!((count("vend"), count("vend") + count("discard")), (handed_out, ends.len()));
    let vended = lines.iter().find(|line| line["event"] == "vend").unwrap();
    assert_eq!((&vended["pooled"], &vended["minted"]), (&true.into(), &"yes".into()));
    let minted_at = vended["minted_at"].as_u64().unwrap();
    assert!((1_900_000_000..1_900_000_010).contains(&minted_at), "{minted_at}");
    assert_eq!(vended["expires_at"], minted_at + 900);
    assert_eq!(vended["token_sha256"].as_str().unwrap().len(), 64);
    let discarded = lines.iter().find(|line| line["event"] == "discard").unwrap();
    assert_eq!((&discarded["outcome"], &discarded["minted"]), (&"stopped".into(), &"yes".into()));
    assert_eq!((&discarded["token_type"], &discarded["ttl"]), (&"scribe".into(), &900.into()));
    assert!(discarded.get("address").is_none() && discarded.get("request_id").is_none());
}

#[tokio::test]
async fn of_a_mint_that_failed_it_says_whether_there_may_be_a_token() {
    for (error, minted) in [
        (Does::Fail(|| ProviderError::Timeout(Duration::ZERO)), "unknown"),
        (Does::Fail(|| ProviderError::Refused { refusal: Refusal::Key, status: 401 }), "no"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.log");
        let set = recorded(&file);
        set.fake.now(&[error]);
        assert!(set.pool.take(&set.means).is_none());
        sleep(Duration::from_millis(100)).await;
        set.pool.stop(&set.means);
        let lines = lines(&set, &file).await;
        let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
        assert_eq!(events, ["refill", "discard"]);
        assert_eq!((&lines[1]["outcome"], &lines[1]["minted"]), (&"failed".into(), &minted.into()));
    }
}

#[tokio::test]
async fn a_great_many_that_are_discarded_at_once_are_all_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.log");
    let set = set_with(3_000, Audit::appending_to(&file));
    *set.fake.latency.lock().unwrap() = Duration::ZERO;
    for _ in 0..3_000 {
        if let Some(pooled) = set.pool.take(&set.means) {
            hand_out(&set, pooled).await;
        }
    }
    while set.stock() < 3_000 {
        sleep(Duration::from_millis(10)).await;
    }
    set.pool.stop(&set.means);
    let lines = lines(&set, &file).await;
    let discards = lines.iter().filter(|line| line["event"] == "discard").count();
    assert_eq!(discards, 3_000);
}

#[tokio::test]
async fn one_that_is_dropped_by_mistake_is_written_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.log");
    let set = recorded(&file);
    let pooled = loop {
        match set.pool.take(&set.means) {
            Some(pooled) => break pooled,
            None => sleep(Duration::from_millis(5)).await,
        }
    };
    drop(pooled);
    set.pool.stop(&set.means);
    let lines = lines(&set, &file).await;
    let lost: Vec<_> = lines.iter().filter(|line| line["outcome"] == "lost").collect();
    assert_eq!((lost.len(), &lost[0]["minted"]), (1, &"yes".into()));
}
