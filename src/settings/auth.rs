//! `[auth]`

use super::section::Section;

/// Who may ask.
#[derive(Clone, Debug)]
pub struct Auth {
    /// Anyone who can reach the server.
    pub anonymous: bool,
}

impl Auth {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self { anonymous: section.get("anonymous", false) }
    }
}
