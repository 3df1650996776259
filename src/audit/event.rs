//! What a line says. `docs/audit.md` explains each field; fields are only ever added.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use uuid::Uuid;

use super::line::Line;
use crate::base::clock::Timestamp;

/// A decision. Fields that nothing is known of are left out of the line.
#[derive(Clone, Debug, Default)]
pub(super) struct Event {
    pub(super) time: Time,
    pub(super) event: &'static str,
    pub(super) request_id: String,
    pub(super) mint_id: Option<Uuid>,
    pub(super) route: &'static str,
    pub(super) outcome: &'static str,
    pub(super) instead_of: Option<&'static str>,
    pub(super) reason: Option<String>,
    pub(super) caller: Option<Caller>,
    pub(super) address: String,
    pub(super) origin: Option<String>,
    pub(super) token_type: Option<Arc<str>>,
    pub(super) provider: Option<Arc<str>>,
    pub(super) ttl: Option<u32>,
    pub(super) expires_at: Option<u64>,
    pub(super) minted: Made,
    pub(super) token_sha256: Option<[u8; 32]>,
    pub(super) pooled: bool,
    pub(super) minted_at: Option<u64>,
    pub(super) upstream: Option<Duration>,
    pub(super) duration: Duration,
    pub(super) observed: Vec<&'static str>,
}

/// Whether a token was made.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Made {
    Yes,
    #[default]
    No,
    /// The provider was asked, and what it did then is not known.
    Unknown,
}

/// Who asked.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) id: Arc<str>,
    pub(super) via: &'static str,
    pub(super) issuer: Option<Arc<str>>,
}

/// A moment, as RFC 3339 in UTC with milliseconds: always of the same length, so that lines sort as
/// text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time(SystemTime);

impl Event {
    /// Says another outcome, and which one it takes the place of.
    pub(super) fn instead(&mut self, outcome: &'static str) {
        if self.outcome != outcome {
            self.instead_of = Some(self.outcome).filter(|it| !it.is_empty());
            self.outcome = outcome;
        }
    }

    /// Whether it is of someone whom nobody knows.
    pub(super) fn is_of_stranger(&self) -> bool {
        self.caller.is_none() && !self.route.is_empty()
    }

    /// The line, with its line end.
    pub(super) fn line(&self) -> Vec<u8> {
        Line::of(|line| {
            self.begin(line, self.event, self.time);
            line.text("outcome", self.outcome);
            line.some_text("instead_of", self.instead_of.unwrap_or_default());
            if let Some(reason) = &self.reason {
                line.text("reason", reason);
            }
            self.asked(line);
            if let Some(expires_at) = self.expires_at {
                line.whole("expires_at", expires_at);
            }
            line.text("minted", self.minted.name());
            if let Some(hash) = &self.token_sha256 {
                line.hex("token_sha256", hash);
            }
            if self.pooled {
                line.yes("pooled");
            }
            if let Some(minted_at) = self.minted_at {
                line.whole("minted_at", minted_at);
            }
            if let Some(upstream) = self.upstream {
                line.millis("upstream_ms", upstream);
            }
            line.millis("duration_ms", self.duration);
            if !self.observed.is_empty() {
                line.texts("observed", &self.observed);
            }
        })
    }

    /// The line that says, at `now`, that this is about to be asked of the provider: the same, without
    /// what came of it. `event`: for whom.
    pub(super) fn intent(&self, event: &'static str, now: SystemTime) -> Vec<u8> {
        Line::of(|line| {
            self.begin(line, event, Time::from(now));
            self.asked(line);
        })
    }

    /// Which line it is.
    fn begin(&self, line: &mut Line, event: &'static str, time: Time) {
        line.time("time", Timestamp::from(time.0));
        line.text("event", event);
        line.some_text("request_id", &self.request_id);
        if let Some(mint_id) = self.mint_id {
            line.id("mint_id", mint_id);
        }
        line.some_text("route", self.route);
    }

    /// Who asks, and for what.
    fn asked(&self, line: &mut Line) {
        if let Some(caller) = &self.caller {
            line.inner("caller", |line| {
                line.text("id", &caller.id);
                line.text("via", caller.via);
                if let Some(issuer) = &caller.issuer {
                    line.text("issuer", issuer);
                }
            });
        }
        line.some_text("address", &self.address);
        if let Some(origin) = &self.origin {
            line.text("origin", origin);
        }
        if let Some(token_type) = &self.token_type {
            line.text("token_type", token_type);
        }
        if let Some(provider) = &self.provider {
            line.text("provider", provider);
        }
        if let Some(ttl) = self.ttl {
            line.whole("ttl", ttl);
        }
    }
}

impl Made {
    fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}

impl From<SystemTime> for Time {
    fn from(at: SystemTime) -> Self {
        Self(at)
    }
}

impl Default for Time {
    fn default() -> Self {
        Self(SystemTime::UNIX_EPOCH)
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn line(event: &Event) -> String {
        String::from_utf8(event.line()).unwrap()
    }

    #[test]
    fn the_time_has_milliseconds_and_is_utc() {
        let at = |nanos| {
            let time = (UNIX_EPOCH + Duration::from_nanos(nanos)).into();
            let line: serde_json::Value =
                serde_json::from_str(&line(&Event { time, ..Event::default() })).unwrap();
            line["time"].as_str().unwrap().to_owned()
        };
        assert_eq!(at(1_785_240_000_123_999_999), "2026-07-28T12:00:00.123Z");
        assert_eq!(at(1_785_240_000_000_000_000), "2026-07-28T12:00:00.000Z");
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let event = Event { event: "vend", outcome: "vended", ..Event::default() };
        assert_eq!(
            line(&event),
            "{\"time\":\"1970-01-01T00:00:00.000Z\",\"event\":\"vend\",\"outcome\":\"vended\",\
             \"minted\":\"no\",\"duration_ms\":0.0}\n"
        );
    }

    #[test]
    fn a_line_is_one_line_of_visible_ascii_whatever_it_holds() {
        let nasty = [
            "https://a\",\"outcome\":\"vended",
            "a\nb\r\n{\"event\":\"vend\"}",
            "\u{1b}[2J\u{1b}]0;pwn\u{7}\u{7f}",
            "\u{9b}2J \u{85} \u{2028} \u{202e}gpj.exe",
            "😀 ü \0 \\",
            &String::from_utf8_lossy(b"https://\xff\xfe\xc0\xaf.example"),
        ];
        for text in nasty {
            let event = Event { origin: Some(text.to_owned()), ..Event::default() };
            let line = line(&event);
            let (body, end) = line.split_at(line.len() - 1);
            assert!(end == "\n" && body.bytes().all(|it| (b' '..=b'~').contains(&it)), "{line}");
            let value: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(
                (value["origin"].as_str(), value["outcome"].as_str()),
                (Some(text), Some(""))
            );
        }
    }

    #[test]
    fn another_outcome_says_what_it_replaces() {
        let mut event = Event { outcome: "vended", ..Event::default() };
        event.instead("audit_unavailable");
        event.instead("audit_unavailable");
        assert_eq!((event.outcome, event.instead_of), ("audit_unavailable", Some("vended")));
    }
}
