//! A great many at once: what the stand-ins minted was handed out once or is accounted for.

use std::{collections::HashSet, thread};

use serde_json::Value;

use super::Pooled;
use crate::support::{hash, raw::Reply};

/// How many ask at once, and how often each.
const CALLERS: usize = 50;
const EACH: usize = 200;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "keeps both processors busy for seconds; scripts/test runs it"]
async fn ten_thousand_requests_get_each_token_once() {
    let pooled = Pooled::start(&[("SIZE", "1000")]);
    let got = rush(&pooled);
    assert_eq!(got.len(), CALLERS * EACH);
    let (vended, refused): (Vec<&Reply>, Vec<_>) = got.iter().partition(|it| it.status == 200);
    // A machine that stands still may not write a record in time; then its token is withheld.
    let withheld = |it: &&Reply| it.json()["code"] == "audit_unavailable";
    assert!(refused.iter().all(withheld) && refused.len() < got.len() / 100, "{refused:?}");
    let tokens: HashSet<String> = vended.iter().map(|it| it.token()).collect();
    assert_eq!(tokens.len(), vended.len(), "a token was handed out twice");
    let left = |got: &&&Reply| got.json()["expires_in"].as_u64().unwrap();
    assert!(vended.iter().all(|it| left(&it) > 450), "one had less than half of its life left");
    let hits = vended.iter().filter(|it| it.is_hit()).count();
    assert!(hits > 0 && hits < vended.len(), "both ways were taken: {hits}");
    // What is under way comes in before the server ends, and ends up in the audit.
    let before = pooled.minted().await;
    let lines = pooled.end();
    let hashes = |lines: &[&Value]| -> HashSet<String> {
        lines.iter().filter_map(|it| it["token_sha256"].as_str()).map(str::to_owned).collect()
    };
    let all: Vec<&Value> = lines.iter().collect();
    let minted = hashes(&all);
    let (discarded, others): (Vec<&Value>, Vec<&Value>) =
        all.into_iter().partition(|it| it["event"] == "discard");
    let (discarded, recorded) = (hashes(&discarded), hashes(&others));
    assert!(discarded.is_disjoint(&recorded), "one was handed out and discarded");
    let given = tokens.iter().map(|token| hash(token)).collect::<HashSet<_>>();
    assert!(given.is_subset(&recorded), "one was handed out without a record");
    assert!(recorded.len() - given.len() <= refused.len(), "more was withheld than refused");
    let count = minted.len() as u64;
    assert!((before..before + 64).contains(&count), "{before} and then {count}");
    let announced = |it: &&Value| it["event"] == "refill" || it["event"] == "mint";
    let announced = lines.iter().filter(announced).count();
    let most = minted.len() + refused.len();
    assert!((minted.len()..=most).contains(&announced), "{announced} were announced");
}

/// What everyone gets.
fn rush(pooled: &Pooled) -> Vec<Reply> {
    let callers = (0..CALLERS).map(|_| pooled.caller()).collect::<Vec<_>>();
    let ask = |mut caller: super::Caller| (0..EACH).map(|_| caller.ask()).collect::<Vec<_>>();
    let threads: Vec<_> =
        callers.into_iter().map(|caller| thread::spawn(move || ask(caller))).collect();
    threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
}
