//! A line: one JSON object of visible ASCII, with its line end.

use std::io;

use serde::Serialize;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter, Serializer};

/// The longest text that is kept, in bytes: whoever asks must not decide how long lines are.
const MAX_TEXT: usize = 256;

/// What a usual line needs.
const USUAL: usize = 640;

/// The line of `object`.
pub(super) fn of(object: &impl Serialize) -> Vec<u8> {
    let mut line = Vec::with_capacity(USUAL);
    let mut serializer = Serializer::with_formatter(&mut line, VisibleAscii::default());
    // There are only texts and numbers, and a `Vec` takes them all.
    let _ = object.serialize(&mut serializer);
    line.push(b'\n');
    line
}

fn is_visible(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte)
}

/// Writes visible ASCII only, and of each text as much as is kept. JSON leaves the C1 controls, DEL
/// and marks of text direction as they are, and terminals obey some of them.
#[derive(Default)]
struct VisibleAscii {
    /// How many bytes of the text are still kept.
    left: usize,
}

impl Formatter for VisibleAscii {
    fn begin_string<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.left = MAX_TEXT;
        writer.write_all(b"\"")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let kept = &fragment[..fragment.floor_char_boundary(self.left)];
        self.left = if kept.len() < fragment.len() { 0 } else { self.left - kept.len() };
        // Mostly all of it is, and this looks at many bytes at once.
        if kept.bytes().fold(true, |all, byte| all & is_visible(byte)) {
            return writer.write_all(kept.as_bytes());
        }
        for unit in kept.encode_utf16() {
            match u8::try_from(unit) {
                Ok(byte) if is_visible(byte) => writer.write_all(&[byte])?,
                _ => write!(writer, "\\u{unit:04x}")?,
            }
        }
        Ok(())
    }

    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                CompactFormatter.write_char_escape(writer, escape)
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// The line of this text, which must be one line of visible ASCII.
    fn read_back(text: &str) -> Value {
        let line = String::from_utf8(of(&json!({ "text": text }))).unwrap();
        let (body, end) = line.split_at(line.len() - 1);
        assert!(end == "\n" && body.bytes().all(is_visible), "{line}");
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
