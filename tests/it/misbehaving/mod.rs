//! A provider that does everything wrong, as a bare socket, and what callers and the audit are told.
//!
//! Each case has a provider instance of its own, so that what is learned from one changes nothing for
//! the next: all of them stand in one settings file and in front of one server.

mod answers;
mod connections;
mod contents;
mod contract;
mod namespace;
mod redirects;
mod retry_after;
mod settings;
mod statuses;
mod tls;
mod tunnel;

use std::{
    collections::HashMap,
    fmt::Write as _,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use serde_json::Value;

use crate::support::{
    ELEVENLABS_KEY, XAI_KEY,
    http::Answer,
    now,
    process::{Server, valetkey, wait_for},
    provider::{Counting, Elsewhere, answer},
};

/// The deadline of a mint, unless a case says otherwise.
const DEADLINE: Duration = Duration::from_millis(800);

/// An answer with a token.
const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 19\r\n\r\n{\"token\":\"sutkn_x\"}";

/// How long anything may take in the end, on a machine that is busy.
const IN_TIME: Duration = Duration::from_secs(8);

/// How many cases are tried at once.
const AT_ONCE: usize = 24;

/// What must come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    status: u16,
    /// The problem's code, or `vended`.
    code: &'static str,
    /// What the audit says of a token.
    minted: &'static str,
}

const fn told(status: u16, code: &'static str, minted: &'static str) -> Told {
    Told { status, code, minted }
}

const VENDED: Told = told(200, "vended", "yes");
const REFUSED: Told = told(502, "provider_refused", "no");
const LIMITED: Told = told(503, "provider_rate_limited", "no");
const UNAVAILABLE: Told = told(503, "provider_unavailable", "unknown");
const UNREACHABLE: Told = told(503, "provider_unavailable", "no");
const INVALID: Told = told(502, "provider_invalid_response", "unknown");
const TIMEOUT: Told = told(504, "provider_timeout", "unknown");

/// One way to misbehave.
struct Case {
    name: String,
    kind: &'static str,
    base_url: String,
    /// Where it counts what it is asked.
    provider: Option<Counting>,
    /// How many requests it must see.
    requests: usize,
    /// More lines of its section in the settings.
    settings: String,
    told: Told,
    /// What must be in the log's line.
    why: &'static str,
}

impl Case {
    /// A provider of this kind that sees one request.
    fn new(name: impl Into<String>, kind: &'static str, provider: Counting, told: Told) -> Self {
        let base_url = provider.url.clone();
        Self { provider: Some(provider), requests: 1, ..Self::at(name, kind, base_url, told) }
    }

    /// Whatever is at this URL; nobody counts there.
    fn at(
        name: impl Into<String>,
        kind: &'static str,
        base_url: impl Into<String>,
        told: Told,
    ) -> Self {
        let (name, base_url, settings) = (name.into(), base_url.into(), String::new());
        Self { name, kind, base_url, provider: None, requests: 0, settings, told, why: "" }
    }

    /// An ElevenLabs that sees one request.
    fn eleven(name: impl Into<String>, provider: Counting, told: Told) -> Self {
        Self::new(name, "elevenlabs", provider, told)
    }

    /// An xAI that sees one request.
    fn xai(name: impl Into<String>, provider: Counting, told: Told) -> Self {
        Self::new(name, "xai", provider, told)
    }

    /// With more lines in its section of the settings.
    fn with(self, settings: &str) -> Self {
        Self { settings: format!("{}{settings}\n", self.settings), ..self }
    }

    /// With a log that says why.
    fn saying(self, why: &'static str) -> Self {
        Self { why, ..self }
    }
}

/// Cases, and the server that stands in front of them.
struct Stage {
    server: Server,
    cases: Vec<Case>,
    elsewhere: Elsewhere,
    folder: tempfile::TempDir,
}

/// What came of a case.
struct Outcome {
    answer: Answer,
    took: Duration,
}

/// What is written down about cases, by their token types.
struct Written {
    records: HashMap<String, Value>,
    /// Why they failed, as the log has it.
    reasons: HashMap<String, String>,
    metrics: String,
}

impl Stage {
    fn start(cases: Vec<Case>) -> Self {
        Self::start_with(cases, Elsewhere::new())
    }

    /// With a place where nobody may come, but where providers may point to.
    fn start_with(cases: Vec<Case>, elsewhere: Elsewhere) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.toml");
        std::fs::write(&file, settings(&cases)).unwrap();
        let proxy = format!("http://{}", elsewhere.address());
        let mut command = valetkey(&["serve", "--config"]);
        command.arg(file).env("XAI_API_KEY", XAI_KEY).env("ELEVENLABS_API_KEY", ELEVENLABS_KEY);
        command.env("VALETKEY__AUDIT__TO", format!("file:{}/audit", folder.path().display()));
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env(name, &proxy).env(name.to_lowercase(), &proxy);
        }
        Self { server: Server::start(&mut command), cases, elsewhere, folder }
    }

    /// Asks for the token of the case in this place.
    async fn ask(&self, place: usize) -> Outcome {
        let begun = Instant::now();
        let answer = self.server.post(&format!("/tokens/t{place}")).await;
        Outcome { answer, took: begun.elapsed() }
    }

    /// Tries one case, which must come out as it says.
    async fn try_one(&self, place: usize) -> Outcome {
        let outcome = self.ask(place).await;
        let found = self.complaints(place, &outcome, &self.written([place]).await);
        assert!(found.is_empty(), "{}: {found:?}", self.cases[place].name);
        outcome
    }

    /// Tries every case, says all that is not as it must be, and ends.
    async fn play(self) {
        let (stage, _) = self.play_on().await;
        let mut output = stage.audit();
        output += &stage.server.end();
        for key in [XAI_KEY, ELEVENLABS_KEY] {
            assert!(!output.contains(key), "a key is in the log");
        }
    }

    /// As [`Self::play`], for one who wants to see more.
    async fn play_on(self) -> (Self, Vec<Outcome>) {
        let all = stream::iter(0..self.cases.len());
        let stage = &self;
        let tried = all.map(|place| async move { (place, stage.ask(place).await) });
        let mut outcomes: Vec<_> = tried.buffer_unordered(AT_ONCE).collect().await;
        outcomes.sort_by_key(|(place, _)| *place);
        let written = self.written(0..self.cases.len()).await;
        let mut wrong = String::new();
        for (place, outcome) in &outcomes {
            for complaint in self.complaints(*place, outcome, &written) {
                writeln!(wrong, "{}: {complaint}", self.cases[*place].name).unwrap();
            }
        }
        assert!(wrong.is_empty(), "\n{wrong}");
        assert!(!self.elsewhere.was_visited(), "someone was asked elsewhere");
        let outcomes = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
        (self, outcomes)
    }

    fn complaints(&self, place: usize, outcome: &Outcome, written: &Written) -> Vec<String> {
        let (case, answer, name) = (&self.cases[place], &outcome.answer, format!("t{place}"));
        let code = if answer.status == 200 { "vended".to_owned() } else { answer.code() };
        let (record, why) = (&written.records[&name], &written.reasons[&name]);
        let requests = case.provider.as_ref().map_or(0, Counting::requests);
        let mut found = Vec::new();
        let mut check = |is_right: bool, what: String| found.extend((!is_right).then_some(what));
        check(answer.status == case.told.status, format!("status {}: {why}", answer.status));
        check(code == case.told.code, format!("code {code}: {why}"));
        check(record["outcome"] == case.told.code, format!("audit {}", record["outcome"]));
        check(record["minted"] == case.told.minted, format!("minted {}", record["minted"]));
        let result = [("yes", "minted"), ("no", "nothing"), ("unknown", "unknown")];
        let result = result.into_iter().find(|it| it.0 == case.told.minted).unwrap().1;
        let sample =
            format!("valetkey_mints_total{{provider=\"p{place}\",result=\"{result}\"}} 1\n");
        check(written.metrics.contains(&sample), format!("no {sample}"));
        // No SDK should ask again what was refused for good, nor wait for longer than it can.
        let waits_long = answer.status != 200 && answer.json()["retry_after"].as_u64() > Some(60);
        let retry = (case.told == REFUSED || waits_long).then_some("false");
        check(answer.header("x-should-retry") == retry, format!("not x-should-retry {retry:?}"));
        check(requests == case.requests, format!("{requests} requests"));
        check(outcome.took < IN_TIME, format!("took {:?}", outcome.took));
        check(why.contains(case.why), format!("the log says {why}"));
        found
    }

    /// What is written about these cases, once it is.
    async fn written(&self, places: impl IntoIterator<Item = usize>) -> Written {
        let metrics = self.server.metrics().await;
        let names: Vec<String> = places.into_iter().map(|place| format!("t{place}")).collect();
        let all = || {
            let written = Written {
                records: by_token_type(&self.audit(), "\"event\":\"vend\"", Value::clone),
                reasons: by_token_type(&self.server.output(), "\"latency_ms\"", |line| {
                    line["error"].as_str().unwrap_or_default().to_owned()
                }),
                metrics: metrics.clone(),
            };
            let is_there =
                |name| written.records.contains_key(name) && written.reasons.contains_key(name);
            names.iter().all(is_there).then_some(written)
        };
        wait_for(all, || "some cases are not written down".to_owned())
    }

    fn audit(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("audit")).unwrap()
    }
}

/// What `take` finds in the first line with `mark` of each token type.
fn by_token_type<T>(text: &str, mark: &str, take: impl Fn(&Value) -> T) -> HashMap<String, T> {
    let mut found = HashMap::new();
    for line in text.lines().filter(|line| line.contains(mark)) {
        // The last line may be half written.
        let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
        if let Some(name) = line["token_type"].as_str() {
            found.entry(name.to_owned()).or_insert_with(|| take(&line));
        }
    }
    found
}

/// A provider and a token type for each case; nothing is limited but by them.
fn settings(cases: &[Case]) -> String {
    let mut text = String::from("[log]\nfilter = \"trace\"\n");
    for limit in ["address", "failed_authentication", "caller", "caller_token", "token"] {
        write!(text, "[limits.{limit}]\nmode = \"off\"\n").unwrap();
    }
    for (place, case) in cases.iter().enumerate() {
        let Case { kind, base_url, settings, .. } = case;
        let key = if *kind == "xai" { "XAI" } else { "ELEVENLABS" };
        write!(
            text,
            "[providers.p{place}]\nkind = \"{kind}\"\nbase_url = \"{base_url}\"\n\
             api_keys = [\"env:{key}_API_KEY\"]\n{settings}\n"
        )
        .unwrap();
        if !settings.contains("timeout") {
            writeln!(text, "timeout = \"{}ms\"", DEADLINE.as_millis()).unwrap();
        }
        let product = if *kind == "xai" { "realtime" } else { "realtime_scribe" };
        write!(text, "[tokens.t{place}]\nprovider = \"p{place}\"\nproduct = \"{product}\"\n")
            .unwrap();
        if *kind == "xai" {
            text.push_str("ttl = \"5m\"\nmax_ttl = \"1h\"\n");
        }
    }
    text
}

/// The current time and so many seconds, in Unix seconds.
fn in_seconds(seconds: i64) -> i64 {
    i64::try_from(now()).unwrap() + seconds
}
