//! What a line says. `docs/audit.md` explains each field; fields are only ever added.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Serialize, Serializer, ser};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};
use uuid::Uuid;

use super::line::{self, Text};
use crate::base::hex::Hex;

/// RFC 3339 in UTC with milliseconds: always of the same length, so that lines sort as text.
const RFC_3339: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// A decision, or the intent to mint. The fields stand in the line in this order; those of which
/// nothing is known are left out.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Event {
    pub(super) time: Time,
    pub(super) event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<Text<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mint_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) route: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) instead_of: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<Text<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) caller: Option<Caller>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) origin: Option<Text<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token_type: Option<Text<Arc<str>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) provider: Option<Text<Arc<str>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ttl: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) minted: Option<Made>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token_sha256: Option<Sha256>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) pooled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) minted_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) upstream_ms: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) duration_ms: Option<Millis>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) observed: Vec<&'static str>,
}

/// Whether a token was made.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Made {
    Yes,
    No,
    /// The provider was asked, and what it did then is not known.
    Unknown,
}

/// Who asked.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Caller {
    pub(super) id: Text<Arc<str>>,
    pub(super) via: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) issuer: Option<Text<Arc<str>>>,
}

/// A moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time(pub(super) SystemTime);

/// A duration, in milliseconds with at most three decimals.
#[derive(Clone, Copy, Debug)]
pub(super) struct Millis(pub(super) Duration);

/// A hash of a token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sha256(pub(super) [u8; 32]);

impl Event {
    /// That this is about to be asked of the provider: what is known of the request, and nothing of
    /// what came of it. `event`: for whom.
    pub(super) fn intent(&self, event: &'static str, now: SystemTime) -> Self {
        Self {
            time: Time(now),
            event,
            request_id: self.request_id.clone(),
            mint_id: self.mint_id,
            route: self.route,
            caller: self.caller.clone(),
            address: self.address.clone(),
            origin: self.origin.clone(),
            token_type: self.token_type.clone(),
            provider: self.provider.clone(),
            ttl: self.ttl,
            ..Self::default()
        }
    }

    /// Says another outcome, and which one it takes the place of.
    pub(super) fn instead(&mut self, outcome: &'static str) {
        if self.outcome != Some(outcome) {
            self.instead_of = self.outcome.replace(outcome);
        }
    }

    /// Whether it is of someone whom nobody knows.
    pub(super) fn is_of_stranger(&self) -> bool {
        self.caller.is_none() && self.route.is_some()
    }

    /// The line, with its line end.
    pub(super) fn line(&self) -> Vec<u8> {
        line::of(self)
    }
}

impl Default for Time {
    fn default() -> Self {
        Self(UNIX_EPOCH)
    }
}

impl Serialize for Time {
    /// What is before 1970 is written as its beginning, and so is a year beyond 9999, which has no
    /// RFC 3339.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let since = self.0.duration_since(UNIX_EPOCH).unwrap_or_default();
        let nanos = i128::try_from(since.as_nanos()).unwrap_or_default();
        let at = OffsetDateTime::from_unix_timestamp_nanos(nanos);
        let text = at.unwrap_or(OffsetDateTime::UNIX_EPOCH).format(RFC_3339);
        serializer.serialize_str(&text.map_err(ser::Error::custom)?)
    }
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64((self.0.as_secs_f64() * 1e6).round() / 1e3)
    }
}

impl Serialize for Sha256 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Hex(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn value(value: impl Serialize) -> Value {
        serde_json::to_value(value).unwrap()
    }

    #[test]
    fn the_time_has_milliseconds_and_is_utc() {
        let day = Duration::from_secs(86_400);
        let nanos = |nanos| UNIX_EPOCH + Duration::from_nanos(nanos);
        for (at, expected) in [
            (nanos(1_785_240_000_123_999_999), "2026-07-28T12:00:00.123Z"),
            (nanos(1_785_240_000_000_000_000), "2026-07-28T12:00:00.000Z"),
            (UNIX_EPOCH + 2_932_897 * day - Duration::from_nanos(1), "9999-12-31T23:59:59.999Z"),
            // What has no form is written as the beginning.
            (UNIX_EPOCH + 2_932_897 * day, "1970-01-01T00:00:00.000Z"),
            (UNIX_EPOCH - day, "1970-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(value(Time(at)), expected);
        }
    }

    #[test]
    fn milliseconds_have_at_most_three_decimals() {
        for (nanos, expected) in [
            (0, "0.0"),
            (1_000, "0.001"),
            (1_500, "0.002"),
            (1_000_000, "1.0"),
            (1_010_000, "1.01"),
            (151_234_000, "151.234"),
            (86_400_000_000_000, "86400000.0"),
        ] {
            assert_eq!(value(Millis(Duration::from_nanos(nanos))).to_string(), expected);
        }
    }

    #[test]
    fn a_hash_is_in_hex() {
        assert_eq!(value(Sha256([0x0f; 32])), "0f".repeat(32));
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let event = Event { event: "vend", outcome: Some("vended"), ..Event::default() };
        assert_eq!(
            String::from_utf8(event.line()).unwrap(),
            "{\"time\":\"1970-01-01T00:00:00.000Z\",\"event\":\"vend\",\"outcome\":\"vended\"}\n"
        );
    }

    #[test]
    fn an_intent_says_nothing_of_what_came_of_it() {
        let event = Event {
            event: "vend",
            outcome: Some("vended"),
            minted: Some(Made::Unknown),
            ttl: Some(300),
            observed: vec!["caller"],
            ..Event::default()
        };
        let intent = event.intent("mint", UNIX_EPOCH);
        let expected = json!({"time": "1970-01-01T00:00:00.000Z", "event": "mint", "ttl": 300});
        assert_eq!(value(intent), expected);
    }

    #[test]
    fn another_outcome_says_what_it_replaces() {
        let mut event = Event { outcome: Some("vended"), ..Event::default() };
        event.instead("audit_unavailable");
        event.instead("audit_unavailable");
        let outcomes = (event.outcome, event.instead_of);
        assert_eq!(outcomes, (Some("audit_unavailable"), Some("vended")));
    }
}
