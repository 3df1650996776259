//! `[[grants]]`

use std::{collections::BTreeMap, time::Duration};

use config::Value;

use super::{
    origins::Origin,
    section::Section,
    value::{Deadline, FromSetting},
};

/// What some of the callers may have.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The kinds of authentication that it is for; `None` for all.
    pub via: Option<Vec<Via>>,
    /// The caller keys that it is for; `None` for all.
    pub keys: Option<Vec<String>>,
    /// The claims that a caller's JWT must have, each with one of the values.
    pub claims: BTreeMap<String, Vec<String>>,
    /// The origins that it is for; `None` for all, and for callers without one.
    pub origins: Option<Vec<Origin>>,
    /// The token types; `None` for all.
    pub tokens: Option<Vec<String>>,
    /// The longest lifetime.
    pub max_ttl: Option<Duration>,
    /// The name of the limits in `[limits.named]`; `None` for the usual ones.
    pub limits: Option<String>,
}

/// How a caller is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Via {
    /// By a secret caller key.
    Key,
    /// By a publishable caller key.
    PublishableKey,
    /// By a JWT.
    Jwt,
    /// By the word of an application that was asked.
    Forward,
    /// By the word of a proxy in front.
    Proxy,
    /// Not at all.
    Anonymous,
}

impl Via {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Key, Self::PublishableKey, Self::Jwt, Self::Forward, Self::Proxy, Self::Anonymous];

    /// Its name in the settings and in the audit log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::PublishableKey => "publishable_key",
            Self::Jwt => "jwt",
            Self::Forward => "forward",
            Self::Proxy => "proxy",
            Self::Anonymous => "anonymous",
        }
    }
}

impl Grant {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            via: section.optional("via"),
            keys: section.optional("keys"),
            claims: section.lists("claims"),
            origins: section.optional("origins"),
            tokens: section.optional("tokens"),
            max_ttl: section.optional("max_ttl").map(|it: Deadline| it.0),
            limits: section.optional("limits"),
        }
    }
}

impl FromSetting for Via {
    fn from_setting(value: &Value) -> Result<Self, String> {
        let text = String::from_setting(value).unwrap_or_default();
        let known = Self::ALL.map(Self::name).join("\", \"");
        let found = Self::ALL.into_iter().find(|via| via.name() == text);
        found.ok_or_else(|| format!("expected some of \"{known}\""))
    }
}
