//! The audit through its own interface.

mod lines;
mod trouble;

use std::{
    collections::BTreeMap,
    fs,
    net::{IpAddr, Ipv4Addr},
    path::Path,
    time::Duration,
};

use crate::{
    audit::{Audit, Record},
    base::clock::Clock,
    settings::{self, AddressForm, Sink},
};
use serde_json::Value;
use tempfile::TempDir;

const NOON: u64 = 1_785_240_000;

const TOKEN: &str = "ek_canary00112233445566778899";

const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));

fn opened(path: &Path, address: AddressForm) -> Audit {
    opened_for(0, path, address)
}

/// One with room for the records of so many requests.
fn opened_for(requests: usize, path: &Path, address: AddressForm) -> Audit {
    let settings = settings::Audit { to: Sink::File(path.to_owned()), address };
    Audit::open(&settings, requests, Clock::fixed(NOON)).unwrap()
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
    record.caller("jwt", "user-1".into(), Some("https://login.example/".into()));
    record.reason("the claim plan is not pro");
    record.token_type(&"xai_realtime".into(), &"xai".into());
    record.granted(300);
    record.observed(vec!["caller"]);
    record.minted(TOKEN, NOON + 300);
    record.upstream(Duration::from_micros(182_411));
    record
}

/// As [`full`], after an intent.
async fn intended(audit: &Audit, id: &str) -> Record {
    let mut record = full(audit, id);
    record.intend().await.unwrap();
    record.minted(TOKEN, NOON + 300);
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
