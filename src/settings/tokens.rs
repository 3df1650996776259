//! `[tokens.<name>]`

use std::{collections::BTreeMap, time::Duration};

use super::section::Section;

/// A token type, as far as it can be understood without asking its provider's adapter.
#[derive(Clone, Debug)]
pub struct TokenType {
    /// The provider instance that mints it.
    pub provider: String,
    /// What it is at the provider.
    pub product: String,
    /// The lifetime when none is asked for.
    pub ttl: Option<Duration>,
    /// The longest lifetime that may be asked for.
    pub max_ttl: Option<Duration>,
    /// Body fields that are accepted and change nothing.
    pub ignored_fields: Vec<String>,
    /// Parameters of the URL that callers get.
    pub connect: BTreeMap<String, String>,
    /// Whether it is vended at all.
    pub enabled: bool,
}

impl TokenType {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            provider: section.get("provider", String::new()),
            product: section.get("product", String::new()),
            ttl: section.optional("ttl"),
            max_ttl: section.optional("max_ttl"),
            ignored_fields: section.optional("ignored_fields").unwrap_or_default(),
            connect: section.strings("connect"),
            enabled: section.optional("enabled").unwrap_or(true),
        }
    }
}
