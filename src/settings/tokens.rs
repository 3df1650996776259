//! `[tokens.<name>]`

use std::{collections::BTreeMap, time::Duration};

use config::Value;

use super::{
    section::Section,
    value::{FromSetting, whole},
};

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
    /// How tokens are minted ahead, if they are.
    pub pool: Option<Pool>,
}

/// Tokens of a type that are minted before anyone asks for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// How many there are at most.
    pub size: u32,
    /// The least that a token has left of its life when it is handed out; half of it where unset.
    pub min_remaining: Option<Duration>,
}

impl TokenType {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            provider: section.get("provider", String::new()),
            product: section.get("product", String::new()),
            ttl: section.optional("ttl"),
            max_ttl: section.optional("max_ttl"),
            ignored_fields: section.optional("ignored_fields").unwrap_or_default(),
            connect: section.values("connect"),
            enabled: section.optional("enabled").unwrap_or(true),
            pool: section.section("pool", Pool::read),
        }
    }
}

impl Pool {
    /// A token type of the user's own need not say anything of it.
    fn read(section: &mut Section<'_>) -> Option<Self> {
        let size = section.optional("size").unwrap_or(Size(0)).0;
        let min_remaining = section.optional("min_remaining");
        (size > 0).then_some(Self { size, min_remaining })
    }
}

/// From nothing to what 15 minutes of a busy server need.
struct Size(u32);

impl FromSetting for Size {
    fn from_setting(value: &Value) -> Result<Self, String> {
        whole(value, 0, 10_000).map(Self)
    }
}
