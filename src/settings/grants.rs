//! `[[grants]]`

use std::{collections::BTreeMap, time::Duration};

use super::{origins::Origin, section::Section, value::Deadline, words::words};

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

words! {
    /// How a caller is known.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum Via {
        /// By a secret caller key.
        Key = "key",
        /// By a publishable caller key.
        PublishableKey = "publishable_key",
        /// By a JWT.
        Jwt = "jwt",
        /// By the word of an application that was asked.
        Forward = "forward",
        /// By the word of a proxy in front.
        Proxy = "proxy",
        /// Not at all.
        Anonymous = "anonymous",
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
