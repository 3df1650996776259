//! From a [`Fault`] back to text; what this writes, [`super::parse`] reads.

use std::{fmt, time::Duration};

use super::{Action, BodyShape, Expiry, Fault, Refusal, RetryAfter, Target};

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let latency = self.latency.map(|wait| format!("latency={}", duration(wait)));
        let spread = self.spread.map(|wait| format!("spread={}", duration(wait)));
        let times = self.times.map(|times| format!("times={times}"));
        let action = (self.action != Action::Serve).then(|| self.action.to_string());
        let settings: Vec<_> = [action, latency, spread, times].into_iter().flatten().collect();
        write!(f, "{}:{}", self.target, settings.join(","))
    }
}

impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        fault.to_string()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "*",
            Self::Provider(provider) => provider.name(),
            Self::Route(route) => route.name(),
        })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Status(refusal) => return refusal.fmt(f),
            Self::Serve => "latency",
            Self::Hang => "hang",
            Self::Drip => "drip",
            Self::ResetBefore => "reset=before",
            Self::ResetBody => "reset=body",
            Self::Close => "close",
            Self::Garbage => "garbage",
            Self::NotJson => "not_json",
            Self::Empty => "empty",
            Self::Huge => "huge",
            Self::WrongTypes => "wrong_types",
            Self::Nested => "nested",
            Self::Redirect => "redirect",
            Self::Expiry(Expiry::Past) => "expiry=past",
            Self::Expiry(Expiry::Far) => "expiry=far",
            Self::Expiry(Expiry::Milliseconds) => "expiry=milliseconds",
            Self::Expiry(Expiry::Missing) => "expiry=none",
            Self::BadToken => "bad_token",
            Self::Revoked => "revoked",
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status={}", self.status.as_u16())?;
        if let Some(code) = &self.code {
            write!(f, ",code={code}")?;
        }
        if let Some(shape) = self.body {
            write!(f, ",body={}", shape.name())?;
        }
        match self.retry_after {
            Some(RetryAfter::Seconds(seconds)) => write!(f, ",retry_after={seconds}"),
            Some(RetryAfter::Date(seconds)) => write!(f, ",retry_after=date:{seconds}"),
            None => Ok(()),
        }
    }
}

impl BodyShape {
    pub(super) const ALL: [Self; 5] =
        [Self::List, Self::Text, Self::Object, Self::Legacy, Self::Html];

    /// The value of `body=`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Text => "string",
            Self::Object => "object",
            Self::Legacy => "legacy",
            Self::Html => "text",
        }
    }
}

fn duration(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    if milliseconds.is_multiple_of(1000) {
        return format!("{}s", milliseconds / 1000);
    }
    format!("{milliseconds}ms")
}
