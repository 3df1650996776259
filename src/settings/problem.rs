//! What is wrong with the settings, one line each.

use std::fmt;

use super::{Tree, tree::showable};

/// One thing that is wrong, and how to mend it.
#[derive(Debug)]
pub struct Problem {
    /// The setting, if it is one's fault: `server.listen`.
    key: Option<String>,
    /// Where its value came from.
    origin: Option<String>,
    message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.key, &self.origin) {
            (Some(key), Some(origin)) => write!(f, "{key} ({origin}): {}", self.message),
            (Some(key), None) => write!(f, "{key}: {}", self.message),
            (None, _) => f.write_str(&self.message),
        }
    }
}

/// All that is wrong.
#[derive(Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds a problem of the setting `key`, with the origin that `tree` knows for it.
    pub fn add(&mut self, tree: &Tree, key: &str, message: impl Into<String>) {
        self.0.push(Problem {
            key: Some(showable(key)),
            origin: tree.origin(key),
            message: message.into(),
        });
    }

    /// Adds a problem that is no single setting's.
    pub fn add_general(&mut self, message: impl Into<String>) {
        self.0.push(Problem { key: None, origin: None, message: message.into() });
    }

    /// Each of them, as a line.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(ToString::to_string)
    }

    /// Whether all is well.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether something is wrong that is no single setting's, such as a file that cannot be read.
    pub fn are_general(&self) -> bool {
        self.0.iter().any(|problem| problem.key.is_none())
    }

    /// Whether a setting somewhere below the section `key` has a problem.
    pub fn concern_below(&self, key: &str) -> bool {
        let below = format!("{key}.");
        self.0.iter().filter_map(|problem| problem.key.as_ref()).any(|it| it.starts_with(&below))
    }

    /// Whether the setting `key` has a problem.
    pub fn concern(&self, key: &str) -> bool {
        self.0.iter().any(|problem| problem.key.as_deref() == Some(key))
    }
}

/// A heading, then a line each.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        write!(f, "{count} {noun} with the settings:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}
