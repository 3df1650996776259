//! What lines say.

use std::{collections::BTreeSet, fs};

use crate::{
    audit::{Audit, Refill},
    base::clock::Clock,
    settings::{self, AddressForm, Sink},
};
use serde_json::{Value, json};

use super::{NOON, audit, begin, full, intended, lines, opened, outcomes, parsed};

#[tokio::test]
async fn a_line_has_every_field_and_never_the_token() {
    let (folder, audit) = audit();
    let record = intended(&audit, "id-1").await;
    let shown = format!("{audit:?} {record:?}");
    assert!(!shown.contains("canary"), "{shown}");
    record.finish("vended").await.unwrap();
    let text = fs::read_to_string(folder.path().join("audit.log")).unwrap();
    assert!(!text.contains("canary"), "{text}");
    let mut line = parsed(&text).remove(1);
    assert!(line["duration_ms"].as_f64().unwrap() < 10_000.0);
    line["duration_ms"] = json!(0);
    let mint_id = line.as_object_mut().unwrap().remove("mint_id").unwrap();
    assert_eq!(uuid::Uuid::parse_str(mint_id.as_str().unwrap()).unwrap().get_version_num(), 7);
    let expected = json!({
        "time": "2026-07-28T12:00:00.000Z",
        "event": "vend",
        "request_id": "id-1",
        "route": "/tokens/{type}",
        "outcome": "vended",
        "reason": "the claim plan is not pro",
        "caller": { "id": "user-1", "via": "jwt", "issuer": "https://login.example/" },
        "address": "203.0.113.7",
        "origin": "https://app.example",
        "token_type": "xai_realtime",
        "provider": "xai",
        "ttl": 300,
        "expires_at": NOON + 300,
        "minted": "yes",
        "token_sha256": "e2356d916f8d341de7976e019e7d322c026fd562840050f30298f28a349f1c1c",
        "upstream_ms": 182.411,
        "duration_ms": 0,
        "observed": ["caller"],
    });
    assert_eq!(line, expected);
}

/// The page is a promise: it has every field, in the order of the lines.
#[tokio::test]
async fn every_field_is_documented() {
    let (folder, audit) = audit();
    let mut record = intended(&audit, "id-1").await;
    // No request has both, but a line could.
    record.pooled(refill(&audit).await);
    record.finish("vended").await.unwrap();
    refill(&audit).await.discard("expired").await;
    audit.flush();
    let text = fs::read_to_string(folder.path().join("audit.log")).unwrap();
    let [intent, refilled, text, _, discarded] = text.lines().collect::<Vec<_>>()[..] else {
        panic!("{text}")
    };
    let page = include_str!("../../../docs/audit.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let mut fields: Vec<&str> = rows.collect();
    fields.retain(|field| *field != "instead_of");
    let mut rest = text;
    for field in &fields {
        let name = format!("\"{}\":", field.rsplit('.').next().unwrap());
        let at = rest.find(&name).unwrap_or_else(|| panic!("{field} is not in {rest}"));
        rest = &rest[at..];
    }
    let line: Value = serde_json::from_str(text).unwrap();
    let inner = line["caller"].as_object().unwrap().len();
    assert_eq!(fields.len(), line.as_object().unwrap().len() - 1 + inner);
    let example = page.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let example: Value = serde_json::from_str(example).unwrap();
    for name in example.as_object().unwrap().keys() {
        assert!(line.get(name).is_some(), "{name} of the example");
    }
    // The others are shown whole.
    let keys = |text: &str| {
        let value: Value = serde_json::from_str(text).unwrap();
        value.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    for (place, line) in [(2, intent), (3, refilled), (4, discarded)] {
        let example = page.split("```json\n").nth(place).unwrap().split("```").next().unwrap();
        assert_eq!(keys(line), keys(example));
    }
}

/// A token that was minted ahead.
async fn refill(audit: &Audit) -> Refill {
    let mut refill = audit.refill(&"scribe".into(), &"elevenlabs".into(), 900).await.unwrap();
    refill.minted("canary", NOON, NOON + 900);
    refill
}

#[tokio::test]
async fn an_intent_says_all_that_is_known_and_its_record_what_came_of_it() {
    let (folder, audit) = audit();
    intended(&audit, "vended").await.finish("vended").await.unwrap();
    let unknown = || async {
        let mut record = begin(&audit, "unknown");
        record.intend().await.unwrap();
        record
    };
    unknown().await.finish("provider_timeout").await.unwrap();
    drop(unknown().await);
    let mut nothing = unknown().await;
    nothing.minted_nothing();
    nothing.finish("provider_refused").await.unwrap();
    audit.flush();
    let lines = lines(&folder.path().join("audit.log"));
    let fates: Vec<_> = lines.iter().filter_map(|it| it["minted"].as_str()).collect();
    assert_eq!(fates, ["yes", "unknown", "unknown", "no"]);
    let mut intent = lines[0].clone();
    let ids: Vec<_> = lines.iter().map(|it| it["mint_id"].as_str().unwrap()).collect();
    assert!(ids.chunks(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 4, "{ids:?}");
    intent.as_object_mut().unwrap().remove("mint_id");
    let expected = json!({
        "time": "2026-07-28T12:00:00.000Z",
        "event": "mint",
        "request_id": "vended",
        "route": "/tokens/{type}",
        "caller": { "id": "user-1", "via": "jwt", "issuer": "https://login.example/" },
        "address": "203.0.113.7",
        "origin": "https://app.example",
        "token_type": "xai_realtime",
        "provider": "xai",
        "ttl": 300,
    });
    assert_eq!(intent, expected);
}

#[tokio::test]
async fn refusals_are_recorded_and_unknown_facts_left_out() {
    let (folder, audit) = audit();
    let mut denied = begin(&audit, "id-1");
    denied.reason("no grant fits");
    denied.caller("key", "backend".into(), None);
    denied.finish("forbidden").await.unwrap();
    begin(&audit, "id-2").finish("unauthorized").await.unwrap();
    let lines = lines(&folder.path().join("audit.log"));
    assert_eq!(lines[0]["reason"], "no grant fits");
    assert_eq!(
        (&lines[0]["outcome"], &lines[1]["outcome"]),
        (&json!("forbidden"), &json!("unauthorized"))
    );
    let fields: BTreeSet<&str> = lines[1].as_object().unwrap().keys().map(String::as_str).collect();
    let always = "address duration_ms event minted outcome request_id route time";
    assert_eq!(fields, always.split(' ').collect());
    assert_eq!(lines[1]["minted"], "no", "nobody was asked");
}

#[tokio::test]
async fn long_texts_are_cut_and_addresses_shortened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let audit = opened(&path, AddressForm::Truncated);
    let mut record = begin(&audit, "id-1");
    record.origin(&"ü".repeat(10_000));
    record.finish("vended").await.unwrap();
    let lines = lines(&path);
    assert_eq!(lines[0]["origin"], "ü".repeat(128));
    assert_eq!(lines[0]["address"], "203.0.113.0/24");
}

#[tokio::test]
async fn what_is_dropped_was_abandoned() {
    let (folder, audit) = audit();
    drop(full(&audit, "hung-up"));
    let panics = audit.clone();
    let died = tokio::spawn(async move {
        let _record = begin(&panics, "panicked");
        panic!("as told");
    });
    assert!(died.await.is_err());
    audit.flush();
    let lines = lines(&folder.path().join("audit.log"));
    let outcomes = outcomes(&lines);
    assert_eq!(outcomes["hung-up"], ["abandoned"]);
    assert_eq!(outcomes["panicked"], ["abandoned"]);
    assert!(lines[0]["token_sha256"].is_string(), "a token that nobody got is one all the same");
}

#[tokio::test]
async fn nothing_is_recorded_where_the_audit_is_off() {
    let settings = settings::Audit { to: Sink::Off, address: AddressForm::Truncated };
    let audit = Audit::open(&settings, 0, Clock::fixed(NOON)).unwrap();
    assert!(!audit.is_stuck());
    full(&audit, "id").finish("vended").await.unwrap();
    let mut record = begin(&audit, "id");
    record.intend().await.unwrap();
    drop(record);
    audit.flush();
}
