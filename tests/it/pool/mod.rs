//! Tokens that are minted ahead: the real program, in front of the stand-ins.

mod client;
mod faults;
mod rush;
mod stopping;

use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    http::{get, post},
    process::{PATIENCE, Server, sandbox},
};
use client::Caller;

/// A server with a pool, and what it records.
struct Pooled {
    server: Server,
    folder: TempDir,
}

impl Pooled {
    /// One that vends `realtime_scribe` from the sandbox, with a pool of these settings.
    fn start(pool: &[(&str, &str)]) -> Self {
        Self::start_with(pool, "0s", "10s")
    }

    fn start_with(pool: &[(&str, &str)], lame_duck: &str, drain: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let audit = format!("file:{}", folder.path().join("audit.log").display());
        let mut command = sandbox();
        command.env("VALETKEY__AUDIT__TO", audit);
        for (key, value) in pool {
            command.env(format!("VALETKEY__TOKENS__REALTIME_SCRIBE__POOL__{key}"), value);
        }
        Self { server: Server::start_with(&mut command, lame_duck, drain), folder }
    }

    fn caller(&self) -> Caller {
        Caller::connect(&self.server.url, "/tokens/realtime_scribe")
    }

    /// Lets the stand-ins fail in one way.
    async fn fault(&self, fault: &str) {
        self.server.set_faults(&[fault]).await;
    }

    /// Lets them do well again.
    async fn mend(&self) {
        self.server.set_faults(&[]).await;
    }

    /// How many tokens the stand-ins minted.
    async fn minted(&self) -> u64 {
        let answer = get(&format!("{}/_sandbox/tokens", self.server.stand_ins)).await;
        answer.json()["minted"].as_u64().unwrap()
    }

    /// The sum of the samples that begin with `name` and have `label`.
    async fn metric(&self, name: &str, label: &str) -> u64 {
        let text = self.server.metrics().await;
        let samples = text.lines().filter(|line| line.starts_with(name) && line.contains(label));
        samples.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
    }

    async fn stock(&self) -> u64 {
        self.metric("valetkey_pool_stock", "").await
    }

    /// Asks until `wanted` tokens are held ready.
    async fn fill(&self, wanted: u64) {
        let (begun, mut caller) = (Instant::now(), self.caller());
        while self.stock().await < wanted {
            assert!(begun.elapsed() < PATIENCE, "it is not filled");
            (0..wanted).for_each(|_| drop(caller.ask()));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Every line of the audit, once the server has ended.
    fn end(mut self) -> Vec<Value> {
        assert_eq!(self.server.terminate(), Some(0));
        self.lines()
    }

    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("audit.log")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}

/// How many lines are of this event, and have that outcome if one is named.
fn count(lines: &[Value], event: &str, outcome: Option<&str>) -> u64 {
    let is_it = |line: &&Value| {
        line["event"] == event && outcome.is_none_or(|outcome| line["outcome"] == outcome)
    };
    lines.iter().filter(is_it).count() as u64
}

#[tokio::test]
async fn the_second_caller_gets_what_was_minted_for_it() {
    let pooled = Pooled::start(&[("SIZE", "4")]);
    let url = format!("{}/tokens/realtime_scribe", pooled.server.url);
    let first = post(&url).await;
    let timing = first.header("server-timing").unwrap();
    assert!(timing.starts_with("pool;desc=\"miss\", provider;dur="), "{timing}");
    pooled.server.wait_for_metric("valetkey_pool_stock", |stock| stock > 0).await;
    let second = post(&url).await;
    let timing = second.header("server-timing").unwrap();
    assert!(timing.starts_with("pool;desc=\"hit\", total;dur="), "{timing}");
    assert_ne!(first.json()["token"], second.json()["token"]);
    let left = second.json()["expires_in"].as_u64().unwrap();
    assert!((890..=900).contains(&left), "it is the token's own: {left}");
    let hits = pooled.metric("valetkey_pool_requests_total", "result=\"hit\"").await;
    assert_eq!((hits, pooled.metric("valetkey_decisions_total", "vended").await), (1, 2));
    let said = pooled.server.log_line(|line| line["terms"].is_string());
    assert!(said["terms"].as_str().unwrap().starts_with("up to 4; 450s left"), "{said}");
    let lines = pooled.server.log_lines(2, |line| line["pool"].is_string());
    let pool: Vec<_> = lines.iter().map(|line| line["pool"].as_str().unwrap()).collect();
    assert_eq!(pool, ["miss", "hit"]);
}

#[tokio::test]
async fn another_lifetime_goes_past_the_pool() {
    let folder = tempfile::tempdir().unwrap();
    let audit = format!("file:{}", folder.path().join("audit.log").display());
    let mut command = sandbox();
    let command = command.env("VALETKEY__AUDIT__TO", audit);
    let command = command.env("VALETKEY__TOKENS__XAI_REALTIME__POOL__SIZE", "4");
    let pooled = Pooled { server: Server::start(command), folder };
    let url = format!("{}/session", pooled.server.url);
    post(&url).await;
    pooled.server.wait_for_metric("valetkey_pool_stock", |stock| stock > 0).await;
    let body = "{\"expires_after\":{\"seconds\":60}}";
    let past = crate::support::http::post_json(&url, body).await;
    assert!(past.header("server-timing").unwrap().starts_with("pool;desc=\"past\", provider"));
    assert_eq!(pooled.stock().await, 1);
    // The default, in so many words.
    let body = "{\"expires_after\":{\"seconds\":300}}";
    let hit = crate::support::http::post_json(&url, body).await;
    assert!(hit.header("server-timing").unwrap().starts_with("pool;desc=\"hit\""));
}

#[tokio::test]
async fn without_a_pool_nothing_is_minted_ahead() {
    let pooled = Pooled::start(&[]);
    let mut caller = pooled.caller();
    (0..20).for_each(|_| assert_eq!(caller.ask().pool(), None));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(pooled.minted().await, 20);
}

#[tokio::test]
async fn a_server_that_nobody_asks_mints_nothing() {
    let pooled = Pooled::start(&[("SIZE", "32")]);
    let pause = || tokio::time::sleep(Duration::from_millis(300));
    // Nothing comes after what does not happen: there is but time.
    pause().await;
    assert_eq!(pooled.minted().await, 0);
    pooled.caller().ask();
    pooled.server.wait_for_metric("valetkey_pool_stock", |stock| stock == 1).await;
    pause().await;
    assert_eq!(pooled.minted().await, 2, "one asked, and one more was minted");
}
