//! What the stand-in "hears": it cannot listen, so it says how much it was given.

use serde_json::{Value, json};

/// The transcript of `bytes` of audio.
pub(super) fn text(bytes: usize) -> String {
    format!("The sandbox heard {bytes} bytes.")
}

/// The words of `text` with the spaces between, a third of a second each.
pub(super) fn words(text: &str) -> Value {
    let mut words = Vec::new();
    for (n, word) in (0_u32..).zip(text.split(' ')) {
        let start = f64::from(n) * 0.35;
        if n > 0 {
            words.push(timed(" ", "spacing", start - 0.05, start));
        }
        words.push(timed(word, "word", start, start + 0.3));
    }
    Value::Array(words)
}

fn timed(text: &str, kind: &str, start: f64, end: f64) -> Value {
    json!({ "text": text, "type": kind, "start": start, "end": end, "logprob": 0.0 })
}
