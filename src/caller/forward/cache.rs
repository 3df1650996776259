//! Answers of yes, remembered for a while by the whole question.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_lc_rs::{hmac, rand::SystemRandom};
use http::HeaderMap;
use moka::sync::Cache;

/// So many are remembered, of a few hundred bytes at most each.
const MAX_ENTRIES: u64 = 1024;

/// What was asked, unreadable: a hash with a key of this process, so that a dump of memory does not
/// tell which credentials were seen.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct QuestionHash([u8; 32]);

/// The answers of the last while.
pub(super) struct AnswerCache {
    keep: Duration,
    secret: hmac::Key,
    answers: Cache<QuestionHash, Answer>,
}

/// Who was let in.
#[derive(Clone)]
struct Answer {
    id: Arc<str>,
    /// When the application was asked, which is before the cache counts from.
    asked: Instant,
}

impl AnswerCache {
    /// Answers are good for `keep`. `None` where that is no time at all, or the system has no
    /// randomness: then nothing is remembered, which is always right.
    pub(super) fn new(keep: Duration) -> Option<Self> {
        if keep.is_zero() {
            return None;
        }
        let secret = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok()?;
        let answers = Cache::builder().max_capacity(MAX_ENTRIES).time_to_live(keep).build();
        Some(Self { keep, secret, answers })
    }

    /// The key of a question. All of it counts, not the credential alone: the application may say
    /// yes to one origin, path or address, and no to another.
    pub(super) fn key(&self, question: &HeaderMap) -> QuestionHash {
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
        QuestionHash(key)
    }

    /// The id that was answered to this question, if the application was asked at most `keep` before
    /// `now`.
    pub(super) fn find(&self, key: QuestionHash, now: Instant) -> Option<Arc<str>> {
        let answer = self.answers.get(&key)?;
        (now < answer.asked + self.keep).then_some(answer.id)
    }

    /// Remembers `id`, the answer to a question that was asked at `asked`.
    pub(super) fn remember(&self, key: QuestionHash, id: &str, asked: Instant) {
        self.answers.insert(key, Answer { id: id.into(), asked });
    }
}

impl fmt::Debug for AnswerCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerCache").field("keep", &self.keep).finish_non_exhaustive()
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
        let cache = AnswerCache::new(KEEP).unwrap();
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
        let another = AnswerCache::new(KEEP).unwrap();
        assert!(another.key(&question(&[("cookie", "a"), ("origin", "b")])) != key);
        assert!(AnswerCache::new(Duration::ZERO).is_none());
    }

    #[test]
    fn the_memory_is_bounded_and_holds_the_newest_answer_to_a_question() {
        let cache = AnswerCache::new(KEEP).unwrap();
        let start = Instant::now();
        for number in 0..4 * MAX_ENTRIES {
            let key = QuestionHash(std::array::from_fn(|at| (number >> (8 * at.min(7))) as u8));
            cache.remember(key, "ada", start);
        }
        cache.answers.run_pending_tasks();
        assert_eq!(cache.answers.entry_count(), MAX_ENTRIES);

        let key = cache.key(&question(&[("cookie", "a")]));
        cache.remember(key, "ada", start);
        cache.remember(key, "bob", start + KEEP);
        assert_eq!(cache.find(key, start + KEEP).as_deref(), Some("bob"));
    }

    #[test]
    fn debug_shows_nobody() {
        let cache = AnswerCache::new(KEEP).unwrap();
        cache.remember(cache.key(&question(&[("cookie", "canary")])), "canary", Instant::now());
        assert!(!format!("{cache:?}").contains("canary"));
    }
}
