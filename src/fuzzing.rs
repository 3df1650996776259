//! What must hold whatever bytes arrive, for each parser of what others write.
//!
//! There is one property for each target of `fuzz/`. The tests in here try the same properties on
//! the corpora that are kept there, and on mutants of them. Where it can be done simply, a property
//! is a second reading of the same bytes, by someone who does not know the first.

mod address;
mod answer;
mod body;
mod json;
mod jwt;
mod settings;

#[cfg(test)]
mod tests;

pub use address::address;
pub use answer::{answer, retry_after};
pub use body::body;
pub use jwt::{jwks, jwt};
pub use settings::settings;

/// A property, which panics where it does not hold.
pub type Property = fn(&[u8]);

/// All of them, by the names of their targets and corpora.
pub const PROPERTIES: [(&str, Property); 7] = [
    ("address", address),
    ("answer", answer),
    ("body", body),
    ("jwks", jwks),
    ("jwt", jwt),
    ("retry_after", retry_after),
    ("settings", settings),
];

/// What stands for a secret. Nothing that is shown may hold it.
const CANARY: &str = "sk_CANARY_0123456789abcdef0123456789abcdef";

/// Whether `text` can be shown on a line of a terminal.
fn is_showable(text: &str) -> bool {
    !text.chars().any(|letter| {
        letter.is_control() || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}

/// The first line, and what follows.
fn line(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[]),
    }
}
