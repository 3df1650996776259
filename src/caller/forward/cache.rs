//! Answers of yes, remembered for a while by the whole question.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use aws_lc_rs::{hmac, rand::SystemRandom};
use http::HeaderMap;

/// So many are remembered, of a few hundred bytes at most each.
const MAX_ENTRIES: usize = 1024;

/// What was asked, unreadable: a hash with a key of this process, so that a dump of memory does not
/// tell which credentials were seen.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

/// The answers of the last while.
pub(super) struct Cache {
    keep: Duration,
    secret: hmac::Key,
    entries: Mutex<HashMap<Key, Entry>>,
}

struct Entry {
    id: Arc<str>,
    until: Instant,
}

impl Cache {
    /// Answers are good for `keep`. `None` where that is no time at all, or the system has no
    /// randomness: then nothing is remembered, which is always right.
    pub(super) fn new(keep: Duration) -> Option<Self> {
        if keep.is_zero() {
            return None;
        }
        let secret = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok()?;
        Some(Self { keep, secret, entries: Mutex::default() })
    }

    /// The key of a question. All of it counts, not the credential alone: the application may say
    /// yes to one origin, path or address, and no to another.
    pub(super) fn key(&self, question: &HeaderMap) -> Key {
        let mut context = hmac::Context::with_key(&self.secret);
        // Each part with its length, so that no two questions read the same in a row. Parts come in
        // the order in which the question was built, which is always the same.
        for (name, value) in question {
            for part in [name.as_str().as_bytes(), value.as_bytes()] {
                context.update(&part.len().to_be_bytes());
                context.update(part);
            }
        }
        let mut key = [0; 32];
        key.copy_from_slice(context.sign().as_ref());
        Key(key)
    }

    /// The id that was answered to this question, if that is not too long ago.
    pub(super) fn find(&self, key: Key, now: Instant) -> Option<Arc<str>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(&key).filter(|entry| now < entry.until).map(|entry| entry.id.clone())
    }

    /// Remembers `id`, the answer to a question that was asked at `asked`.
    pub(super) fn remember(&self, key: Key, id: &str, asked: Instant) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MAX_ENTRIES && !entries.contains_key(&key) {
            entries.retain(|_, entry| asked < entry.until);
            if entries.len() >= MAX_ENTRIES {
                let oldest = entries.iter().min_by_key(|(_, entry)| entry.until);
                let oldest = oldest.map(|(key, _)| *key);
                oldest.map(|key| entries.remove(&key));
            }
        }
        entries.insert(key, Entry { id: id.into(), until: asked + self.keep });
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("keep", &self.keep).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const KEEP: Duration = Duration::from_secs(10);

    fn question(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn a_yes_is_good_for_its_time_and_for_its_question() {
        let cache = Cache::new(KEEP).unwrap();
        let start = Instant::now();
        let key = cache.key(&question(&[("cookie", "a"), ("origin", "b")]));
        cache.remember(key, "ada", start);
        let last = start + KEEP - Duration::from_nanos(1);
        assert_eq!(cache.find(key, last).as_deref(), Some("ada"));
        assert_eq!(cache.find(key, start + KEEP), None);
        for other in [
            &[("cookie", "a")] as &[_],
            &[("cookie", "b"), ("origin", "b")],
            &[("cookie", "a"), ("origin", "c")],
            &[("authorization", "a"), ("origin", "b")],
            &[("cookie", "aoriginb")],
            &[("cookie", "a"), ("origin", "b"), ("x-forwarded-uri", "")],
        ] {
            assert_eq!(cache.find(cache.key(&question(other)), start), None, "{other:?}");
        }
        let another = Cache::new(KEEP).unwrap();
        assert!(another.key(&question(&[("cookie", "a"), ("origin", "b")])) != key);
        assert!(Cache::new(Duration::ZERO).is_none());
    }

    #[test]
    fn the_oldest_is_forgotten_first_and_what_is_over_before_that() {
        let cache = Cache::new(KEEP).unwrap();
        let start = Instant::now();
        let key = |number: usize| Key(std::array::from_fn(|at| (number >> (8 * at.min(7))) as u8));
        // Not in the order of their age.
        let later = |number: usize| start + Duration::from_millis((number * 7 % 1025) as u64);
        for number in 0..=MAX_ENTRIES {
            cache.remember(key(number), "ada", later(number));
        }
        assert_eq!(cache.entries.lock().unwrap().len(), MAX_ENTRIES);
        assert_eq!(cache.find(key(0), start), None);
        assert!((1..=MAX_ENTRIES).all(|number| cache.find(key(number), start).is_some()));
        // Again what is known: nobody has to go.
        cache.remember(key(1), "ada", later(1));
        assert_eq!(cache.entries.lock().unwrap().len(), MAX_ENTRIES);
        cache.remember(key(0), "ada", start + 3 * KEEP);
        assert_eq!(cache.entries.lock().unwrap().len(), 1);
    }

    #[test]
    fn debug_shows_nobody() {
        let cache = Cache::new(KEEP).unwrap();
        cache.remember(cache.key(&question(&[("cookie", "canary")])), "canary", Instant::now());
        assert!(!format!("{cache:?}").contains("canary"));
    }
}
