//! Caller keys: random, known here by their SHA-256 only.

use std::{collections::HashMap, sync::Arc, time::SystemTime};

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};

use super::{Caller, Claims, Rejected};
use crate::settings::{CallerKey, Origin, Via};

/// How a secret key begins.
pub const SECRET_PREFIX: &str = "vk_";

/// How a publishable key begins.
pub const PUBLISHABLE_PREFIX: &str = "vkp_";

/// The keys that are known.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// By the first bytes of their hash, so that a thousand of them cost no more than one. Whoever
    /// found those by timing would know nothing of the key.
    by_hash: HashMap<[u8; 8], Vec<Known>>,
}

#[derive(Debug)]
struct Known {
    key: CallerKey,
    caller: Caller,
}

impl Keys {
    pub(super) fn new(keys: &[CallerKey]) -> Self {
        let mut by_hash: HashMap<[u8; 8], Vec<Known>> = HashMap::new();
        for key in keys {
            let caller = Caller {
                id: key.id.as_str().into(),
                via: if key.publishable { Via::PublishableKey } else { Via::Key },
                issuer: None,
                claims: Claims::default(),
                origins: key.origins.as_deref().map(Arc::from),
            };
            by_hash.entry(first(&key.sha256)).or_default().push(Known { key: key.clone(), caller });
        }
        Self { by_hash }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_hash.is_empty()
    }

    pub(super) fn origins(&self) -> impl Iterator<Item = &Origin> {
        let known = self.by_hash.values().flatten();
        known.flat_map(|known| known.key.origins.iter().flatten())
    }

    /// Whose key `text` is at `now`.
    pub(super) fn identify(&self, text: &str, now: SystemTime) -> Result<Caller, Rejected> {
        let hash = sha256(text);
        let alike = self.by_hash.get(&first(&hash)).map_or(&[][..], Vec::as_slice);
        let same = |known: &&Known| verify_slices_are_equal(&known.key.sha256, &hash).is_ok();
        let Some(Known { key, caller }) = alike.iter().find(same) else {
            return Err(Rejected::Wrong("no such key"));
        };
        if !key.enabled {
            Err(Rejected::Wrong("the key is switched off"))
        } else if key.expires.is_some_and(|end| now >= end) {
            Err(Rejected::Wrong("the key has expired"))
        } else if key.publishable != text.starts_with(PUBLISHABLE_PREFIX) {
            Err(Rejected::Wrong("its prefix and the setting publishable say different things"))
        } else {
            Ok(caller.clone())
        }
    }
}

/// The keys that cannot be told apart, each with its place within `[auth]`.
pub(super) fn duplicates(keys: &[CallerKey]) -> Vec<(String, String)> {
    let earlier = |place: usize, same: &dyn Fn(&CallerKey) -> bool| keys[..place].iter().any(same);
    let mut found = Vec::new();
    for (place, key) in keys.iter().enumerate() {
        if earlier(place, &|other| other.id == key.id) {
            let why = "another key has this id; callers, limits and the audit go by it";
            found.push((format!("keys.{place}.id"), why.to_owned()));
        }
        if earlier(place, &|other| other.sha256 == key.sha256) {
            let why = "another key has this hash; make each its own with valetkey keygen";
            found.push((format!("keys.{place}.sha256"), why.to_owned()));
        }
    }
    found
}

/// Whether `text` means to be a caller key.
pub(super) fn is_key(text: &str) -> bool {
    text.starts_with(SECRET_PREFIX) || text.starts_with(PUBLISHABLE_PREFIX)
}

/// The SHA-256 of a key.
pub fn sha256(key: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, key.as_bytes()).as_ref());
    hash
}

fn first(hash: &[u8; 32]) -> [u8; 8] {
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    first
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn key(id: &str, text: &str) -> CallerKey {
        CallerKey {
            id: id.to_owned(),
            sha256: sha256(text),
            publishable: text.starts_with("vkp_"),
            expires: None,
            origins: None,
            enabled: true,
        }
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_key_is_known_by_its_hash_alone() {
        let keys = Keys::new(&[key("one", "vk_one"), key("page", "vkp_page")]);
        let one = keys.identify("vk_one", at(0)).unwrap();
        assert_eq!((&*one.id, one.via), ("one", Via::Key));
        assert_eq!(keys.identify("vkp_page", at(0)).unwrap().via, Via::PublishableKey);
        for wrong in ["vk_", "vk_on", "vk_one ", "vk_One", "vkp_one", "one"] {
            assert_eq!(
                keys.identify(wrong, at(0)).unwrap_err(),
                Rejected::Wrong("no such key"),
                "{wrong}"
            );
        }
    }

    #[test]
    fn of_two_hashes_that_begin_alike_only_the_same_one_fits() {
        let mut other = key("other", "vk_other");
        other.sha256 = sha256("vk_one");
        other.sha256[31] ^= 1;
        let keys = Keys::new(&[other, key("one", "vk_one")]);
        assert_eq!(&*keys.identify("vk_one", at(0)).unwrap().id, "one");
    }

    #[test]
    fn a_key_ends_when_it_expires_or_is_switched_off() {
        let keys = Keys::new(&[
            CallerKey { expires: Some(at(100)), ..key("short", "vk_short") },
            CallerKey { enabled: false, ..key("off", "vk_off") },
            CallerKey { publishable: true, ..key("mixed", "vk_mixed") },
        ]);
        assert!(keys.identify("vk_short", at(99)).is_ok());
        assert!(keys.identify("vk_short", at(100)).is_err());
        assert!(keys.identify("vk_off", at(0)).is_err());
        assert!(keys.identify("vk_mixed", at(0)).is_err());
    }
}
