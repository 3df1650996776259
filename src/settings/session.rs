//! `[session]`

use super::section::Section;

/// `POST /session`.
#[derive(Clone, Debug)]
pub struct Session {
    /// The token type that it vends.
    pub token: String,
}

impl Session {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self { token: section.get("token", String::new()) }
    }
}
