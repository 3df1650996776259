//! A great many at once: what the stand-ins minted was handed out once or is accounted for.

use std::{collections::HashSet, thread};

use serde_json::Value;

use super::{Pooled, client::Got, count};

/// How many ask at once, and how often each.
const CALLERS: usize = 100;
const EACH: usize = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_requests_get_each_token_once() {
    let pooled = Pooled::start(&[("SIZE", "1000"), ("REFILLS", "64")]);
    let callers = (0..CALLERS).map(|_| pooled.caller()).collect::<Vec<_>>();
    let threads: Vec<_> = callers
        .into_iter()
        .map(|mut caller| thread::spawn(move || (0..EACH).map(|_| caller.ask()).collect()))
        .collect();
    let got: Vec<Got> =
        threads.into_iter().flat_map(|it| -> Vec<Got> { it.join().unwrap() }).collect();
    assert_eq!(got.len(), CALLERS * EACH);
    let tokens: HashSet<&str> = got.iter().map(Got::token).collect();
    assert_eq!(tokens.len(), got.len(), "a token was handed out twice");
    let left = |got: &Got| got.body["expires_in"].as_u64().unwrap();
    assert!(got.iter().all(|it| left(it) > 450), "one had less than half of its life left");
    let hits = got.iter().filter(|it| it.is_hit()).count() as u64;
    assert!(hits > 0 && hits < got.len() as u64, "both ways were taken: {hits}");
    // What is under way comes in before the server ends, and ends up in the audit.
    let (metric, stand_ins) = (pooled.metric("valetkey_pool_requests_total", "hit").await, &pooled);
    assert_eq!(metric, hits);
    let before = stand_ins.minted().await;
    let lines = pooled.end();
    let vended = count(&lines, "vend", Some("vended"));
    let discarded = lines.iter().filter(|it| is_discarded_token(it)).count() as u64;
    assert_eq!(vended, got.len() as u64);
    assert_eq!(count(&lines, "vend", None), vended);
    let minted = vended + discarded;
    assert!((before..before + 64).contains(&minted), "{before} and then {minted}");
    let hashes = lines.iter().filter_map(|line| line["token_sha256"].as_str());
    assert_eq!(hashes.collect::<HashSet<_>>().len() as u64, minted, "each has one end");
    let begun = count(&lines, "refill", None) + count(&lines, "mint", None);
    assert_eq!(begun, minted, "each was announced");
}

fn is_discarded_token(line: &Value) -> bool {
    line["event"] == "discard" && line["minted"] == "yes"
}
