//! A line: one JSON object of visible ASCII, with its line end.

use serde::{Serialize, Serializer};

/// The longest text that is kept, in bytes: whoever asks must not decide how long lines are.
const MAX_TEXT: usize = 256;

/// What a usual line needs.
const USUAL: usize = 640;

/// A text of which a line keeps the beginning.
#[derive(Clone, Debug)]
pub(super) struct Text<T>(pub(super) T);

impl<T: AsRef<str>> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.as_ref();
        serializer.serialize_str(&text[..text.floor_char_boundary(MAX_TEXT)])
    }
}

/// The line of `object`.
pub(super) fn of(object: &impl Serialize) -> Vec<u8> {
    let mut line = Vec::with_capacity(USUAL);
    // There are only texts and numbers, and a `Vec` takes them all.
    let _ = serde_json::to_writer(&mut line, object);
    // Mostly it is, and without an early end many bytes are looked at at once.
    if !line.iter().fold(true, |all, byte| all & is_visible(byte)) {
        line = escape(&line);
    }
    line.push(b'\n');
    line
}

fn is_visible(byte: &u8) -> bool {
    (b' '..=b'~').contains(byte)
}

/// JSON in visible ASCII. JSON may leave the C1 controls, DEL and marks of text direction as they are, and
/// terminals obey some of them. They stand in texts alone, so that each may be escaped.
fn escape(json: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(2 * json.len());
    for unit in String::from_utf8_lossy(json).encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if is_visible(&byte) => escaped.push(byte),
            _ => escaped.extend_from_slice(format!("\\u{unit:04x}").as_bytes()),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// The line of this text, which must be one line of visible ASCII.
    fn read_back(text: &str) -> Value {
        let line = String::from_utf8(of(&BTreeMap::from([("text", Text(text))]))).unwrap();
        let (body, end) = line.split_at(line.len() - 1);
        assert!(end == "\n" && body.bytes().all(|byte| is_visible(&byte)), "{line}");
        serde_json::from_str(body).unwrap()
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
            assert_eq!(read_back(text), json!({ "text": text }));
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        for (text, kept) in [
            ("ü".repeat(MAX_TEXT), "ü".repeat(MAX_TEXT / 2)),
            ("\"".repeat(MAX_TEXT + 1), "\"".repeat(MAX_TEXT)),
            ("x".repeat(MAX_TEXT - 1) + "ü\"x", "x".repeat(MAX_TEXT - 1)),
        ] {
            assert_eq!(read_back(&text)["text"], kept);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_itself_in_one_visible_line(text in ".{0,60}|[\\x00-\\x7f]{0,60}") {
            prop_assert_eq!(&read_back(&text)["text"], &Value::from(text));
        }
    }
}
