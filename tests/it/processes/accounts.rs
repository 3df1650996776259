//! The accounts of an audit: what it says of every mint.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
    process::Command,
};

use serde_json::{Value, json};

use super::client::Reply;
use crate::support::{hash, page::Page};

/// What an audit says.
pub struct Accounts {
    pub intents: BTreeMap<String, Value>,
    /// The records, each the last word about its request.
    pub records: HashMap<String, Value>,
    /// The last word about each mint: `yes`, `no` or `unknown`.
    fates: BTreeMap<String, String>,
}

impl Accounts {
    /// Reads the file at `path`, every line of which must be whole and in its place. The last may be cut
    /// off: the system ends a write at the end of a page of memory when it kills who writes.
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let text = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let (mut intents, mut records) = (BTreeMap::new(), HashMap::new());
        let mut fates = BTreeMap::new();
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).expect(line);
            let request = line["request_id"].as_str().unwrap().to_owned();
            let mint = line["mint_id"].as_str().map(str::to_owned);
            if line["event"] == "mint" {
                let mint = mint.unwrap();
                fates.insert(mint.clone(), "unknown".to_owned());
                assert!(intents.insert(mint, line).is_none(), "a mint_id is there twice");
                continue;
            }
            assert_eq!(line["event"], "vend");
            assert_eq!(line["minted"] == "yes", line["token_sha256"].is_string(), "{line}");
            if let Some(mint) = mint {
                let written = intents.get(&mint).is_some_and(|it| it["request_id"] == *request);
                assert!(written || line["minted"] == "no", "no intent before {line}");
                fates.insert(mint, line["minted"].as_str().unwrap().to_owned());
            }
            records.insert(request, line);
        }
        Self { intents, records, fates }
    }

    /// How many mints ended like that.
    pub fn ended(&self, fate: &str) -> usize {
        self.fates.values().filter(|it| *it == fate).count()
    }

    /// Checks them against what a provider made and what callers got.
    pub fn check(&self, seen: usize, minted: &[String], replies: &[Reply]) {
        assert!(self.intents.len() >= seen, "{} intents of {seen}", self.intents.len());
        let made: BTreeSet<String> = minted.iter().map(|token| hash(token)).collect();
        let recorded = self.records.values().filter_map(|it| it["token_sha256"].as_str());
        let recorded: Vec<&str> = recorded.collect();
        assert!(recorded.iter().all(|hash| made.contains(*hash)), "a token from nowhere");
        assert_eq!(recorded.len(), recorded.iter().collect::<BTreeSet<_>>().len());
        assert_eq!(recorded.len(), self.ended("yes"));
        // None is missing: those without a record are among the unknown.
        assert!(made.len() <= self.ended("yes") + self.ended("unknown"));
        let mut given = BTreeSet::new();
        for Reply { id, status, body } in replies {
            let record = &self.records[id];
            if *status == 200 {
                let token = body["value"].as_str().unwrap();
                assert_eq!(record["outcome"], "vended", "{record}");
                assert_eq!(record["token_sha256"], hash(token), "{record}");
                assert!(given.insert(token), "{token} was given twice");
            } else {
                assert_eq!(record["outcome"], body["code"], "{record}");
            }
        }
    }

    /// What the page's own way of counting makes of the file.
    pub fn check_page(&self, path: &Path) {
        let page = Page::read("docs/audit.md").section("## Counting tokens");
        let commands = page.blocks("sh");
        let run = |command: &str| {
            let command = command.replace("audit.log", path.to_str().unwrap());
            let output = Command::new("sh").args(["-c", &command]).output().unwrap();
            assert!(output.status.success(), "{command}: {output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        let counted: Value = serde_json::from_str(&run(&commands[0])).unwrap();
        let [yes, no, unknown] = ["yes", "no", "unknown"].map(|fate| self.ended(fate));
        assert_eq!(counted, json!({ "yes": yes, "no": no, "unknown": unknown }));
        assert_eq!(run(&commands[1]).lines().count(), unknown);
    }
}
