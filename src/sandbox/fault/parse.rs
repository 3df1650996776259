//! From text to a [`Fault`].

use std::{str::FromStr, time::Duration};

use axum::http::StatusCode;

use super::{
    Action, BodyShape, Expiry, Fault, FaultError, Refusal, RetryAfter, Target,
    possible::{check_code, check_possible},
};
use crate::sandbox::route::{Provider, Route};

/// Every setting, how it is written and what it does.
pub(crate) const GRAMMAR: [(&str, &str, &str); 21] = [
    ("latency", "latency=200ms", "wait first (ms or s, at most 1h)"),
    ("spread", "spread=100ms", "wait up to that much more, uniformly distributed"),
    ("times", "times=2", "for the next N requests only"),
    ("status", "status=429", "the provider's own error answer, 400 to 599"),
    ("code", "code=quota_exceeded", "with status: which of the errors with that status"),
    ("body", "body=list|string|object|legacy|text", "with status: another shape of the body"),
    ("retry_after", "retry_after=7 or retry_after=date:7", "with status: seconds, or a date"),
    ("hang", "hang", "never answers"),
    ("drip", "drip", "one byte of the body every 100 ms, without end"),
    ("reset", "reset=before or reset=body", "TCP reset before the answer, or amid it"),
    ("close", "close", "closes the connection without an answer"),
    ("garbage", "garbage", "bytes that are not HTTP"),
    ("not_json", "not_json", "200 with HTML"),
    ("empty", "empty", "200 with nothing in it"),
    ("huge", "huge", "200 with a body of more than 64 MiB"),
    ("wrong_types", "wrong_types", "200 with the right keys and wrong JSON types"),
    ("nested", "nested", "xAI: the answer inside client_secret"),
    ("redirect", "redirect", "307 to /_sandbox/elsewhere"),
    ("expiry", "expiry=past|far|milliseconds|none", "xAI: a wrong expires_at"),
    ("bad_token", "bad_token", "a token with control characters and spaces"),
    ("revoked", "revoked", "the API key is wrong"),
];

/// The longest `latency` and `spread`.
const LONGEST: Duration = Duration::from_secs(3600);

/// The largest `retry_after`, in seconds: a year, which keeps its date within the calendar.
const LONGEST_RETRY: u64 = 31_536_000;

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let Some((target, settings)) = text.split_once(':') else {
            return Err(FaultError::NoTarget(text.to_owned()));
        };
        let target = parse_target(target.trim())?;
        let mut draft = Draft::default();
        for setting in settings.split(',').map(str::trim).filter(|one| !one.is_empty()) {
            draft.set(setting)?;
        }
        draft.finish(target)
    }
}

impl TryFrom<String> for Fault {
    type Error = FaultError;

    fn try_from(text: String) -> Result<Self, FaultError> {
        text.parse()
    }
}

fn parse_target(text: &str) -> Result<Target, FaultError> {
    if text == "*" {
        return Ok(Target::All);
    }
    let provider = Provider::ALL.into_iter().find(|one| one.name() == text).map(Target::Provider);
    let route = || Route::ALL.into_iter().find(|one| one.name() == text).map(Target::Route);
    provider.or_else(route).ok_or_else(|| {
        let providers = Provider::ALL.map(Provider::name);
        let known = [&["*"][..], &providers, &Route::ALL.map(Route::name)].concat().join(", ");
        FaultError::UnknownTarget { given: text.to_owned(), known }
    })
}

/// A fault whose settings are still being read.
#[derive(Default)]
struct Draft {
    seen: Vec<String>,
    action: Option<(String, Action)>,
    latency: Option<Duration>,
    spread: Option<Duration>,
    times: Option<u32>,
    code: Option<String>,
    body: Option<BodyShape>,
    retry_after: Option<RetryAfter>,
}

impl Draft {
    fn set(&mut self, setting: &str) -> Result<(), FaultError> {
        let (name, value) = match setting.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim())),
            None => (setting, None),
        };
        let expected = expected(name)?;
        let bad = || FaultError::BadValue { given: setting.to_owned(), expected: expected.into() };
        match (name, value) {
            ("latency", Some(value)) => self.latency = Some(duration(value).ok_or_else(bad)?),
            ("spread", Some(value)) => self.spread = Some(duration(value).ok_or_else(bad)?),
            ("times", Some(value)) => self.times = Some(times(value).ok_or_else(bad)?),
            ("code", Some(value)) if !value.is_empty() => self.code = Some(value.to_owned()),
            ("body", Some(value)) => self.body = Some(body_shape(value).ok_or_else(bad)?),
            ("retry_after", Some(value)) => {
                self.retry_after = Some(retry_after(value).ok_or_else(bad)?);
            }
            _ => {
                let action = action(name, value).ok_or_else(bad)?;
                self.act(setting, name, action)?;
            }
        }
        if self.seen.iter().any(|seen| seen == name) {
            return Err(FaultError::Twice(name.to_owned()));
        }
        self.seen.push(name.to_owned());
        Ok(())
    }

    fn act(&mut self, setting: &str, name: &str, action: Action) -> Result<(), FaultError> {
        match &self.action {
            Some(_) if self.seen.iter().any(|seen| seen == name) => {
                Err(FaultError::Twice(name.to_owned()))
            }
            Some((first, _)) => {
                Err(FaultError::TwoActions { first: first.clone(), second: setting.to_owned() })
            }
            None => {
                self.action = Some((setting.to_owned(), action));
                Ok(())
            }
        }
    }

    fn finish(mut self, target: Target) -> Result<Fault, FaultError> {
        let waits = self.latency.is_some() || self.spread.is_some();
        let action = match self.action.take() {
            Some((_, Action::Status(refusal))) => Action::Status(self.detail(refusal)),
            other => {
                self.no_details()?;
                match other {
                    Some((_, action)) => action,
                    None if waits => Action::Serve,
                    None => return Err(FaultError::Nothing),
                }
            }
        };
        check_code(target, &action)?;
        check_possible(target, &action)?;
        let Self { latency, spread, times, .. } = self;
        Ok(Fault { target, action, latency, spread, times })
    }

    fn detail(&mut self, refusal: Refusal) -> Refusal {
        let (code, body, retry_after) = (self.code.take(), self.body, self.retry_after);
        Refusal { code, body, retry_after, ..refusal }
    }

    fn no_details(&self) -> Result<(), FaultError> {
        let details = ["code", "body", "retry_after"];
        match self.seen.iter().find(|name| details.contains(&name.as_str())) {
            Some(name) => Err(FaultError::NeedsStatus(name.clone())),
            None => Ok(()),
        }
    }
}

/// How the setting `name` is written.
fn expected(name: &str) -> Result<&'static str, FaultError> {
    GRAMMAR.iter().find(|(known, ..)| *known == name).map(|(_, form, _)| *form).ok_or_else(|| {
        let known: Vec<_> = GRAMMAR.iter().map(|(known, ..)| *known).collect();
        FaultError::UnknownSetting { given: name.to_owned(), known: known.join(", ") }
    })
}

fn action(name: &str, value: Option<&str>) -> Option<Action> {
    Some(match (name, value) {
        ("status", Some(value)) => Action::Status(refusal(value)?),
        ("reset", Some("before")) => Action::ResetBefore,
        ("reset", Some("body")) => Action::ResetBody,
        ("expiry", Some("past")) => Action::Expiry(Expiry::Past),
        ("expiry", Some("far")) => Action::Expiry(Expiry::Far),
        ("expiry", Some("milliseconds")) => Action::Expiry(Expiry::Milliseconds),
        ("expiry", Some("none")) => Action::Expiry(Expiry::Missing),
        ("hang", None) => Action::Hang,
        ("drip", None) => Action::Drip,
        ("close", None) => Action::Close,
        ("garbage", None) => Action::Garbage,
        ("not_json", None) => Action::NotJson,
        ("empty", None) => Action::Empty,
        ("huge", None) => Action::Huge,
        ("wrong_types", None) => Action::WrongTypes,
        ("nested", None) => Action::Nested,
        ("redirect", None) => Action::Redirect,
        ("bad_token", None) => Action::BadToken,
        ("revoked", None) => Action::Revoked,
        _ => return None,
    })
}

fn refusal(text: &str) -> Option<Refusal> {
    let status = text.parse().ok().filter(|status| (400..600).contains(status))?;
    let status = StatusCode::from_u16(status).ok()?;
    Some(Refusal { status, code: None, body: None, retry_after: None })
}

fn duration(text: &str) -> Option<Duration> {
    let duration = match text.strip_suffix("ms") {
        Some(number) => Duration::from_millis(number.parse().ok()?),
        None => Duration::from_secs(text.strip_suffix('s')?.parse().ok()?),
    };
    (duration <= LONGEST).then_some(duration)
}

fn times(text: &str) -> Option<u32> {
    text.parse().ok().filter(|times| *times > 0)
}

fn body_shape(text: &str) -> Option<BodyShape> {
    BodyShape::ALL.into_iter().find(|shape| shape.name() == text)
}

fn retry_after(text: &str) -> Option<RetryAfter> {
    let seconds = |text: &str| text.parse().ok().filter(|seconds| *seconds <= LONGEST_RETRY);
    match text.strip_prefix("date:") {
        Some(text) => seconds(text).map(RetryAfter::Date),
        None => seconds(text).map(RetryAfter::Seconds),
    }
}
