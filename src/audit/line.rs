//! A line: one JSON object of visible ASCII. Each token has two of them, so they are put together by
//! hand; only what has to be escaped is left to the library.

use std::{io, time::Duration};

use serde::Serialize as _;
use serde_json::ser::{Formatter, Serializer};
use uuid::Uuid;

use crate::base::clock::Timestamp;

/// The longest text that is kept, in bytes: whoever asks must not decide how long lines are.
const MAX_TEXT: usize = 256;

/// What a usual line needs.
const USUAL: usize = 640;

/// A line that is being written.
pub(super) struct Line(Vec<u8>);

impl Line {
    /// Begins one that `fields` go into.
    pub(super) fn of(fields: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut line = Self(Vec::with_capacity(USUAL));
        line.object(fields);
        line.0.push(b'\n');
        line.0
    }

    fn object(&mut self, fields: impl FnOnce(&mut Self)) {
        self.0.push(b'{');
        fields(self);
        self.0.push(b'}');
    }

    /// A name must be one that needs no escaping.
    fn name(&mut self, name: &'static str) {
        let is_first = self.0.last() == Some(&b'{');
        self.0.extend_from_slice(if is_first { b"\"" } else { b",\"" });
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn plain(&mut self, text: &str) {
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'"');
    }

    fn quoted(&mut self, text: &str) {
        let text = &text[..text.floor_char_boundary(MAX_TEXT)];
        if text.bytes().fold(true, |plain, byte| plain & is_plain(byte)) {
            return self.plain(text);
        }
        let begin = self.0.len();
        // A `Vec` cannot make this fail; half a text would be worse than none.
        if text.serialize(&mut Serializer::with_formatter(&mut self.0, Ascii)).is_err() {
            self.0.truncate(begin);
            self.plain("");
        }
    }

    pub(super) fn text(&mut self, name: &'static str, text: &str) {
        self.name(name);
        self.quoted(text);
    }

    /// Nothing, where there is none.
    pub(super) fn some_text(&mut self, name: &'static str, text: &str) {
        if !text.is_empty() {
            self.text(name, text);
        }
    }

    pub(super) fn whole(&mut self, name: &'static str, number: impl Into<u64>) {
        self.name(name);
        self.digits(number.into());
    }

    fn digits(&mut self, number: u64) {
        self.0.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    /// Milliseconds, with up to three decimals.
    pub(super) fn millis(&mut self, name: &'static str, duration: Duration) {
        self.name(name);
        let micros = duration.saturating_add(Duration::from_nanos(500)).as_micros();
        let micros = u64::try_from(micros).unwrap_or(u64::MAX);
        self.digits(micros / 1000);
        let rest = micros % 1000;
        let decimals = [rest / 100, rest / 10 % 10, rest % 10].map(|digit| b'0' + digit as u8);
        let last = decimals.iter().rposition(|digit| *digit != b'0').unwrap_or(0);
        self.0.push(b'.');
        self.0.extend_from_slice(&decimals[..=last]);
    }

    pub(super) fn id(&mut self, name: &'static str, id: Uuid) {
        self.name(name);
        self.plain(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
    }

    /// With milliseconds.
    pub(super) fn time(&mut self, name: &'static str, time: Timestamp) {
        self.name(name);
        self.0.push(b'"');
        self.0.extend_from_slice(time.millis().as_bytes());
        self.0.extend_from_slice(b"Z\"");
    }

    pub(super) fn hex(&mut self, name: &'static str, bytes: &[u8]) {
        self.name(name);
        self.0.push(b'"');
        self.0.extend(bytes.iter().flat_map(|byte| super::digits(*byte)));
        self.0.push(b'"');
    }

    pub(super) fn yes(&mut self, name: &'static str) {
        self.name(name);
        self.0.extend_from_slice(b"true");
    }

    pub(super) fn texts(&mut self, name: &'static str, texts: &[&str]) {
        self.name(name);
        self.0.push(b'[');
        for (number, text) in texts.iter().enumerate() {
            if number > 0 {
                self.0.push(b',');
            }
            self.quoted(text);
        }
        self.0.push(b']');
    }

    pub(super) fn inner(&mut self, name: &'static str, fields: impl FnOnce(&mut Self)) {
        self.name(name);
        self.object(fields);
    }
}

fn is_visible(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte)
}

fn is_plain(byte: u8) -> bool {
    is_visible(byte) & (byte != b'"') & (byte != b'\\')
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
        for unit in fragment.encode_utf16() {
            match u8::try_from(unit) {
                Ok(byte) if is_visible(byte) => writer.write_all(&[byte])?,
                _ => write!(writer, "\\u{unit:04x}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn value(fields: impl FnOnce(&mut Line)) -> Value {
        let line = String::from_utf8(Line::of(fields)).unwrap();
        let (body, end) = line.split_at(line.len() - 1);
        assert!(end == "\n" && body.bytes().all(is_visible), "{line}");
        serde_json::from_str(body).unwrap()
    }

    #[test]
    fn each_kind_of_field_is_json() {
        let id = Uuid::from_u128(7);
        let value = value(|line| {
            line.text("text", "a");
            line.some_text("nothing", "");
            line.whole("whole", u64::MAX);
            line.id("id", id);
            line.hex("hex", &[0, 0xfe, 0x10]);
            line.yes("yes");
            line.texts("texts", &["a", "\"b\""]);
            line.texts("none", &[]);
            line.inner("inner", |line| line.text("text", "b"));
            line.inner("empty", |_| ());
        });
        let same = json!({
            "text": "a", "whole": u64::MAX, "id": id.to_string(), "hex": "00fe10", "yes": true,
            "texts": ["a", "\"b\""], "none": [], "inner": {"text": "b"}, "empty": {},
        });
        assert_eq!(value, same);
    }

    #[test]
    fn milliseconds_are_a_number_as_the_library_writes_it() {
        for micros in [0, 1, 10, 100, 999, 1000, 1001, 1010, 1100, 151_234, 86_400_000_000] {
            let line = Line::of(|line| line.millis("ms", Duration::from_micros(micros)));
            let same = format!("{}\n", json!({ "ms": micros as f64 / 1e3 }));
            assert_eq!(String::from_utf8(line).unwrap(), same);
        }
        let rounded = Line::of(|line| line.millis("ms", Duration::from_nanos(1500)));
        assert_eq!(rounded, b"{\"ms\":0.002}\n");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let text = value(|line| line.text("text", &"ü".repeat(MAX_TEXT)));
        assert_eq!(text["text"], "ü".repeat(MAX_TEXT / 2));
    }

    proptest! {
        #[test]
        fn any_text_is_itself_in_one_visible_line(text in ".{0,60}|[\\x00-\\x7f]{0,60}") {
            prop_assert_eq!(&value(|line| line.text("text", &text))["text"], &Value::from(text));
        }
    }
}
