//! The audit through its own interface: what lines say, and what becomes of them when the place they
//! go to does not take them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{BufRead as _, BufReader},
    net::{IpAddr, Ipv4Addr},
    os::unix::fs::symlink,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use valetkey::{
    audit::{Audit, Record, Unrecorded},
    clock::Clock,
    secret::Secret,
    settings::{self, AddressForm, Sink},
};

use crate::support::process::PATIENCE;

const NOON: u64 = 1_785_240_000;
const TOKEN: &str = "ek_canary00112233445566778899";
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));

fn opened(path: &Path, address: AddressForm) -> Audit {
    let settings = settings::Audit { to: Sink::File(path.to_owned()), address };
    let key = Secret::new("canary-key-canary-key-canary-key");
    Audit::open(&settings, Some(&key), Clock::fixed(NOON)).unwrap()
}

fn audit() -> (TempDir, Audit) {
    let folder = tempfile::tempdir().unwrap();
    let audit = opened(&folder.path().join("audit.log"), AddressForm::Full);
    (folder, audit)
}

fn begin(audit: &Audit, id: &str) -> Record {
    audit.begin(id, "/tokens/{type}", ADDRESS)
}

/// A record in which everything is filled in.
fn full(audit: &Audit, id: &str) -> Record {
    let mut record = begin(audit, id);
    record.origin("https://app.example");
    record.caller("jwt", "user-1");
    record.reason("the claim plan is not pro");
    record.token_type("xai_realtime", "xai");
    record.granted(300);
    record.observed(vec!["caller".to_owned()]);
    record.minted(TOKEN, NOON + 300);
    record.upstream(Duration::from_micros(182_411));
    record
}

fn lines(path: &Path) -> Vec<Value> {
    parsed(&fs::read_to_string(path).unwrap())
}

/// The lines, without the empty ones that end a torn line.
fn parsed(text: &str) -> Vec<Value> {
    let lines = text.lines().filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

/// The outcomes of each request, in order.
fn outcomes(lines: &[Value]) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for line in lines {
        let text = |field: &str| line[field].as_str().unwrap().to_owned();
        all.entry(text("request_id")).or_default().push(text("outcome"));
    }
    all
}

/// What must be in the lines after `finish("vended")` gave `result`.
fn assert_true(outcomes: &[String], result: Result<(), Unrecorded>) {
    match result {
        Ok(()) => assert_eq!(outcomes, ["vended"]),
        Err(Unrecorded) => assert_eq!(outcomes.last().unwrap(), "audit_unavailable"),
    }
}

async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_line_has_every_field_and_never_the_token() {
    let (folder, audit) = audit();
    let record = full(&audit, "id-1");
    let shown = format!("{audit:?} {record:?}");
    assert!(!shown.contains("canary"), "{shown}");
    record.finish("vended").await.unwrap();
    let text = fs::read_to_string(folder.path().join("audit.log")).unwrap();
    assert!(!text.contains("canary"), "{text}");
    let mut line = parsed(&text).remove(0);
    assert!(line["duration_ms"].as_f64().unwrap() < 10_000.0);
    line["duration_ms"] = json!(0);
    let expected = json!({
        "time": "2026-07-28T12:00:00.000Z",
        "event": "vend",
        "request_id": "id-1",
        "route": "/tokens/{type}",
        "outcome": "vended",
        "reason": "the claim plan is not pro",
        "caller": { "id": "user-1", "via": "jwt" },
        "address": "203.0.113.7",
        "origin": "https://app.example",
        "token_type": "xai_realtime",
        "provider": "xai",
        "ttl": 300,
        "expires_at": NOON + 300,
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
    full(&audit, "id-1").finish("vended").await.unwrap();
    let text = fs::read_to_string(folder.path().join("audit.log")).unwrap();
    let page = include_str!("../../docs/audit.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let mut fields: Vec<&str> = rows.collect();
    fields.retain(|field| *field != "instead_of");
    let mut rest = text.as_str();
    for field in &fields {
        let name = format!("\"{}\":", field.rsplit('.').next().unwrap());
        let at = rest.find(&name).unwrap_or_else(|| panic!("{field} is not in {rest}"));
        rest = &rest[at..];
    }
    let line: Value = serde_json::from_str(&text).unwrap();
    let inner = line["caller"].as_object().unwrap().len();
    assert_eq!(fields.len(), line.as_object().unwrap().len() - 1 + inner);
    let example = page.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let example: Value = serde_json::from_str(example).unwrap();
    for name in example.as_object().unwrap().keys() {
        assert!(line.get(name).is_some(), "{name} of the example");
    }
}

#[tokio::test]
async fn refusals_are_recorded_and_unknown_facts_left_out() {
    let (folder, audit) = audit();
    let mut denied = begin(&audit, "id-1");
    denied.reason("no grant fits");
    denied.caller("key", "backend");
    denied.finish("forbidden").await.unwrap();
    begin(&audit, "id-2").finish("unauthorized").await.unwrap();
    let lines = lines(&folder.path().join("audit.log"));
    assert_eq!(lines[0]["reason"], "no grant fits");
    assert_eq!(
        (&lines[0]["outcome"], &lines[1]["outcome"]),
        (&json!("forbidden"), &json!("unauthorized"))
    );
    let fields: BTreeSet<&str> = lines[1].as_object().unwrap().keys().map(String::as_str).collect();
    let always = ["address", "duration_ms", "event", "outcome", "request_id", "route", "time"];
    assert_eq!(fields, BTreeSet::from(always));
}

#[tokio::test]
async fn long_texts_are_cut_and_addresses_shortened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let audit = opened(&path, AddressForm::Truncated);
    let mut record = begin(&audit, "id-1");
    record.origin(&"ü".repeat(10_000));
    record.finish("vended").await.unwrap();
    let hashed = opened(&path, AddressForm::Hashed);
    begin(&hashed, "id-2").finish("vended").await.unwrap();
    let lines = lines(&path);
    assert_eq!(lines[0]["origin"], "ü".repeat(128));
    assert_eq!(lines[0]["address"], "203.0.113.0/24");
    assert_eq!(lines[1]["address"].as_str().unwrap().len(), 32);
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
    assert_eq!(
        (&outcomes["hung-up"], &outcomes["panicked"]),
        (&vec!["abandoned".to_owned()], &vec!["abandoned".to_owned()])
    );
    assert!(lines[0]["token_sha256"].is_string(), "a token that nobody got is one all the same");
}

#[tokio::test]
async fn nothing_is_recorded_where_the_audit_is_off() {
    let settings = settings::Audit { to: Sink::Off, address: AddressForm::Hashed };
    let audit = Audit::open(&settings, None, Clock::fixed(NOON)).unwrap();
    assert!(!audit.is_stuck());
    full(&audit, "id").finish("vended").await.unwrap();
    drop(begin(&audit, "id"));
    audit.flush();
}

#[test]
fn what_cannot_be_opened_is_said_in_words() {
    let open = |to: Sink, address| {
        let settings = settings::Audit { to, address };
        Audit::open(&settings, None, Clock::fixed(NOON)).unwrap_err()
    };
    let missing = open(Sink::File("/no/such/audit.log".into()), AddressForm::Full);
    assert!(
        missing.starts_with("audit.to = \"file:/no/such/audit.log\" cannot be opened: No such")
    );
    let folder = open(Sink::File("/".into()), AddressForm::Full);
    assert!(folder.contains("s a directory"), "{folder}");
    let keyless = open(Sink::Stdout, AddressForm::Hashed);
    assert!(keyless.contains("needs identity.hash_key"), "{keyless}");
}

#[tokio::test]
async fn a_pipe_that_nobody_reads_holds_up_nothing_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let reading = path.clone();
    let reader = thread::spawn(move || File::open(reading).unwrap());
    let audit = opened(&path, AddressForm::Full);
    let reader = reader.join().unwrap();

    let mut results = BTreeMap::new();
    let mut stuck = 0;
    while stuck < 5 {
        let (id, begun) = (format!("id-{}", results.len()), Instant::now());
        let result = full(&audit, &id).finish("vended").await;
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        stuck += usize::from(result.is_err());
        results.insert(id, result);
    }
    eventually("it notices", || audit.is_stuck()).await;
    let begun = Instant::now();
    let hopeless = begin(&audit, "hopeless").finish("vended").await;
    assert!(
        hopeless.is_err() && begun.elapsed() < Duration::from_millis(90),
        "known to be in vain"
    );
    results.insert("hopeless".to_owned(), hopeless);
    drop(begin(&audit, "dropped"));

    let text = thread::spawn(move || {
        let lines = BufReader::new(reader).lines().map(Result::unwrap);
        lines
            .take_while(|line| !line.contains("\"the-end\""))
            .fold(String::new(), |all, line| all + &line + "\n")
    });
    eventually("it recovers", || !audit.is_stuck()).await;
    audit.flush();
    begin(&audit, "the-end").finish("vended").await.unwrap();
    let outcomes = outcomes(&parsed(&text.join().unwrap()));
    assert_eq!(outcomes["dropped"], ["abandoned"]);
    for (id, result) in results {
        assert_true(&outcomes[&id], result);
    }
}

#[tokio::test]
async fn a_full_disk_is_told_at_once_and_used_again_when_it_has_room() {
    let folder = tempfile::tempdir().unwrap();
    let (path, next) = (folder.path().join("audit.log"), folder.path().join("next"));
    symlink("/dev/full", &path).unwrap();
    let audit = opened(&path, AddressForm::Full);
    assert!(!audit.is_stuck());
    let begun = Instant::now();
    assert!(full(&audit, "id-1").finish("vended").await.is_err());
    assert!(audit.is_stuck() && begun.elapsed() < Duration::from_secs(1));
    assert!(full(&audit, "id-2").finish("vended").await.is_err());

    let roomy = folder.path().join("roomy");
    fs::write(&roomy, "half a li").unwrap();
    symlink(&roomy, &next).unwrap();
    fs::rename(next, path).unwrap();
    eventually("it recovers by itself", || !audit.is_stuck()).await;
    audit.flush();
    full(&audit, "id-3").finish("vended").await.unwrap();
    let text = fs::read_to_string(roomy).unwrap();
    let lines = parsed(text.strip_prefix("half a li\n").unwrap());
    let outcomes = outcomes(&lines);
    assert_eq!(
        (&lines[0]["outcome"], &lines[0]["instead_of"]),
        (&json!("audit_unavailable"), &json!("vended"))
    );
    assert_eq!(
        (&outcomes["id-2"][..], &outcomes["id-3"][..]),
        (&["audit_unavailable".to_owned()][..], &["vended".to_owned()][..])
    );
}

#[tokio::test]
async fn too_many_records_of_a_stuck_sink_are_dropped_rather_than_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    symlink("/dev/full", &path).unwrap();
    let audit = opened(&path, AddressForm::Full);
    assert!(begin(&audit, "first").finish("vended").await.is_err());
    for n in 0..3_000 {
        drop(begin(&audit, &format!("id-{n}")));
    }
    fs::remove_file(&path).unwrap();
    eventually("it recovers by itself", || !audit.is_stuck()).await;
    audit.flush();
    let kept = lines(&path).len();
    assert!((1_000..=3_000).contains(&kept), "{kept}");
}

#[tokio::test]
async fn files_may_be_renamed_and_cut() {
    let (folder, audit) = audit();
    let path = folder.path().join("audit.log");
    begin(&audit, "before").finish("vended").await.unwrap();
    fs::rename(&path, folder.path().join("audit.log.1")).unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    begin(&audit, "renamed").finish("vended").await.unwrap();
    assert_eq!(outcomes(&lines(&path)).into_keys().collect::<Vec<_>>(), ["renamed"]);
    File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    begin(&audit, "cut").finish("vended").await.unwrap();
    assert_eq!(outcomes(&lines(&path)).into_keys().collect::<Vec<_>>(), ["cut"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_at_once_are_all_there() {
    let (folder, audit) = audit();
    let tasks = (0..10_000).map(|n| {
        let audit = audit.clone();
        tokio::spawn(async move { full(&audit, &format!("id-{n}")).finish("vended").await })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    audit.flush();
    let outcomes = outcomes(&lines(&folder.path().join("audit.log")));
    assert_eq!(outcomes.len(), 10_000);
    // On a busy machine one may come too late; then its lines must say so.
    for (n, result) in results.iter().enumerate() {
        assert_true(&outcomes[&format!("id-{n}")], *result);
    }
    let late = results.iter().filter(|result| result.is_err()).count();
    eprintln!("LATE {late}");
    assert!(late < 5_000, "{late} came too late");
}
