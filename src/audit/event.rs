//! What a line says. `docs/audit.md` explains each field; fields are only ever added.

use std::{
    io,
    time::{Duration, SystemTime},
};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::clock::Timestamp;

/// A decision. Fields that nothing is known of are left out of the line.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Event {
    pub(super) time: String,
    pub(super) event: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mint_id: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) route: &'static str,
    pub(super) outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) instead_of: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) caller: Option<Caller>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) origin: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ttl: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<u64>,
    pub(super) minted: Made,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token_sha256: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) pooled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) minted_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) upstream_ms: Option<f64>,
    pub(super) duration_ms: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) observed: Vec<String>,
}

/// Whether a token was made.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Made {
    Yes,
    #[default]
    No,
    /// The provider was asked, and what it did then is not known.
    Unknown,
}

/// What is written before a provider is asked: the same request, without what came of it.
#[derive(Serialize)]
struct Intent<'a> {
    time: String,
    event: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mint_id: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    route: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<&'a Caller>,
    #[serde(skip_serializing_if = "str::is_empty")]
    address: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<u32>,
}

/// Who asked.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Caller {
    pub(super) id: String,
    pub(super) via: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) issuer: Option<String>,
}

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
        line(self)
    }

    /// The line that says, at `now`, that this is about to be asked of the provider. `event`: for
    /// whom.
    pub(super) fn intent(&self, event: &'static str, now: SystemTime) -> Vec<u8> {
        line(&Intent {
            time: rfc3339(now),
            event,
            request_id: &self.request_id,
            mint_id: self.mint_id.as_deref(),
            route: self.route,
            caller: self.caller.as_ref(),
            address: &self.address,
            origin: self.origin.as_deref(),
            token_type: self.token_type.as_deref(),
            provider: self.provider.as_deref(),
            ttl: self.ttl,
        })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_false(flag: &bool) -> bool {
    !flag
}

fn line(said: &impl Serialize) -> Vec<u8> {
    let mut line = Vec::with_capacity(640);
    // Neither the types nor a `Vec` can make this fail; half a line would be worse than none.
    if said.serialize(&mut Serializer::with_formatter(&mut line, Ascii)).is_err() {
        line.clear();
    }
    line.push(b'\n');
    line
}

/// Writes ASCII only. JSON leaves the C1 controls, DEL and marks of text direction as they are, and
/// terminals obey some of them.
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let plain = |byte: u8| byte.is_ascii() && byte != 0x7f;
        if fragment.bytes().all(plain) {
            return writer.write_all(fragment.as_bytes());
        }
        for unit in fragment.encode_utf16() {
            match u8::try_from(unit) {
                Ok(byte) if plain(byte) => writer.write_all(&[byte])?,
                _ => write!(writer, "\\u{unit:04x}")?,
            }
        }
        Ok(())
    }
}

/// `at` as RFC 3339 in UTC, with milliseconds: always of the same length, so that lines sort as text.
pub(super) fn rfc3339(at: SystemTime) -> String {
    let mut text = String::with_capacity(24);
    text.push_str(Timestamp::from(at).millis());
    text.push('Z');
    text
}

/// Milliseconds with three decimals.
pub(super) fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
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
        let at = |nanos| rfc3339(UNIX_EPOCH + Duration::from_nanos(nanos));
        assert_eq!(at(1_785_240_000_123_999_999), "2026-07-28T12:00:00.123Z");
        assert_eq!(at(1_785_240_000_000_000_000), "2026-07-28T12:00:00.000Z");
        assert_eq!(rfc3339(UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let event = Event { event: "vend", outcome: "vended", ..Event::default() };
        assert_eq!(
            line(&event),
            "{\"time\":\"\",\"event\":\"vend\",\"outcome\":\"vended\",\
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
