//! What becomes of records when the place they go to does not take them, or is moved.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead as _, BufReader},
    os::unix::fs::symlink,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use crate::{
    audit::{Audit, Unrecorded},
    base::clock::Clock,
    settings::{self, AddressForm, Sink},
};

use super::{NOON, audit, begin, full, lines, opened, opened_for, outcomes, parsed};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

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

#[test]
fn what_cannot_be_opened_is_said_in_words() {
    let open = |to: Sink| {
        let settings = settings::Audit { to, address: AddressForm::Full };
        Audit::open(&settings, 0, Clock::fixed(NOON)).unwrap_err()
    };
    let missing = open(Sink::File("/no/such/audit.log".into()));
    assert!(
        missing.starts_with("audit.to = \"file:/no/such/audit.log\" cannot be opened: No such")
    );
    let folder = open(Sink::File("/".into()));
    assert!(folder.contains("s a directory"), "{folder}");
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
    assert_eq!(lines[0]["outcome"], "audit_unavailable");
    assert_eq!(lines[0]["instead_of"], "vended");
    assert_eq!(outcomes["id-2"], ["audit_unavailable"]);
    assert_eq!(outcomes["id-3"], ["vended"]);
}

/// How many of 5,000 records are there once a full disk has room again.
async fn kept_with_room_for(requests: usize) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    symlink("/dev/full", &path).unwrap();
    let audit = opened_for(requests, &path, AddressForm::Full);
    assert!(begin(&audit, "first").finish("vended").await.is_err());
    for n in 1..5_000 {
        drop(full(&audit, &format!("id-{n}")));
    }
    fs::remove_file(&path).unwrap();
    eventually("it recovers by itself", || !audit.is_stuck()).await;
    audit.flush();
    lines(&path).len()
}

#[tokio::test]
async fn too_many_records_of_a_stuck_sink_are_dropped_rather_than_kept() {
    let kept = kept_with_room_for(0).await;
    assert!((1_000..5_000).contains(&kept), "{kept}");
}

#[tokio::test]
async fn there_is_room_for_the_records_of_all_requests() {
    assert_eq!(kept_with_room_for(5_000).await, 5_000);
}

#[tokio::test]
async fn strangers_do_not_crowd_out_whoever_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    symlink("/dev/full", &path).unwrap();
    let audit = opened(&path, AddressForm::Full);
    assert!(full(&audit, "first").finish("vended").await.is_err());
    for n in 0..3_000 {
        drop(begin(&audit, &format!("stranger-{n}")));
    }
    drop(full(&audit, "known"));
    fs::remove_file(&path).unwrap();
    eventually("it recovers by itself", || !audit.is_stuck()).await;
    audit.flush();
    let outcomes = outcomes(&lines(&path));
    let strangers = outcomes.keys().filter(|id| id.starts_with("stranger")).count();
    assert!((1..=20).contains(&strangers), "{strangers}");
    assert_eq!(outcomes["known"], ["abandoned"]);
}

#[tokio::test]
async fn an_intent_that_cannot_be_written_is_none_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    symlink("/dev/full", &path).unwrap();
    let audit = opened(&path, AddressForm::Full);
    for id in ["told-by-the-disk", "known"] {
        let mut record = begin(&audit, id);
        assert!(record.intend().await.is_err(), "{id}");
        assert!(audit.is_stuck());
        assert!(record.finish("audit_unavailable").await.is_err());
    }
    fs::remove_file(&path).unwrap();
    eventually("it recovers by itself", || !audit.is_stuck()).await;
    audit.flush();
    for line in lines(&path).iter().filter(|line| line["event"] == "vend") {
        assert_eq!(
            (&line["outcome"], &line["minted"]),
            (&"audit_unavailable".into(), &"no".into())
        );
    }
    let ends = lines(&path).iter().filter(|line| line["event"] == "vend").count();
    assert_eq!(ends, 2);
}

/// The sink gets stuck between intent and outcome: the token is withheld, and counted.
#[tokio::test]
async fn a_token_whose_record_came_too_late_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (path, kept) = (folder.path().join("audit.log"), folder.path().join("kept"));
    let audit = opened(&path, AddressForm::Full);
    let mut record = full(&audit, "id");
    record.intend().await.unwrap();
    fs::rename(&path, &kept).unwrap();
    symlink("/dev/full", &path).unwrap();
    record.minted("token", NOON + 300);
    assert!(record.finish("vended").await.is_err());
    fs::remove_file(&path).unwrap();
    eventually("it recovers by itself", || !audit.is_stuck()).await;
    audit.flush();
    let (intent, end) = (lines(&kept).remove(0), lines(&path).remove(0));
    assert_eq!(intent["mint_id"], end["mint_id"]);
    assert_eq!((&end["outcome"], &end["minted"]), (&"audit_unavailable".into(), &"yes".into()));
    assert!(end["token_sha256"].is_string());
}

#[tokio::test]
async fn files_may_be_renamed_deleted_and_cut() {
    let (folder, audit) = audit();
    let path = folder.path().join("audit.log");
    begin(&audit, "before").finish("vended").await.unwrap();
    fs::rename(&path, folder.path().join("audit.log.1")).unwrap();
    begin(&audit, "renamed").finish("vended").await.unwrap();
    assert_eq!(outcomes(&lines(&path)).into_keys().collect::<Vec<_>>(), ["renamed"]);
    fs::remove_file(&path).unwrap();
    begin(&audit, "deleted").finish("vended").await.unwrap();
    assert_eq!(outcomes(&lines(&path)).into_keys().collect::<Vec<_>>(), ["deleted"]);
    File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    begin(&audit, "cut").finish("vended").await.unwrap();
    assert_eq!(outcomes(&lines(&path)).into_keys().collect::<Vec<_>>(), ["cut"]);
}

/// How many of so many at once came too late.
async fn late_of(count: usize) -> usize {
    let (folder, audit) = audit();
    let tasks = (0..count).map(|n| {
        let audit = audit.clone();
        tokio::spawn(async move { full(&audit, &format!("id-{n}")).finish("vended").await })
    });
    let mut results = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        results.push(task.await.unwrap());
    }
    audit.flush();
    let outcomes = outcomes(&lines(&folder.path().join("audit.log")));
    for (n, result) in results.iter().enumerate() {
        match outcomes.get(&format!("id-{n}")) {
            Some(outcomes) => assert_true(outcomes, *result),
            None => assert!(result.is_err(), "id-{n} is missing"),
        }
    }
    results.iter().filter(|result| result.is_err()).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_thousand_at_once_are_all_there() {
    // A machine that pauses for 100 ms makes some come too late, as it must.
    for _ in 0..10 {
        if late_of(2_000).await == 0 {
            return;
        }
    }
    panic!("some always come too late");
}
