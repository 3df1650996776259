//! Which single-use tokens were handed out: none is handed out twice, whatever the provider does.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use aws_lc_rs::digest;

/// How long a token is remembered. None lives longer.
const MEMORY: Duration = Duration::from_secs(15 * 60);

/// How many are remembered, of 50 bytes or so each.
const MOST: usize = 100_000;

/// Enough of a SHA-256 that no two are the same by accident.
type Hash = [u8; 16];

/// The tokens of the last while, as hashes.
#[derive(Debug, Default)]
pub(super) struct RepeatedTokens(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    hashes: HashSet<Hash>,
    /// When, the oldest first. Times are since some fixed moment.
    order: VecDeque<(Duration, Hash)>,
}

impl RepeatedTokens {
    /// Whether `token` is new; from here on it is not.
    pub(super) fn is_new(&self, token: &str, now: Duration) -> bool {
        let mut hash = Hash::default();
        let whole = digest::digest(&digest::SHA256, token.as_bytes());
        hash.copy_from_slice(&whole.as_ref()[..16]);
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.forget(now);
        let is_new = seen.hashes.insert(hash);
        if is_new {
            seen.order.push_back((now, hash));
        }
        is_new
    }
}

impl Seen {
    fn forget(&mut self, now: Duration) {
        while let Some((then, hash)) = self.order.front().copied()
            && (self.order.len() >= MOST || now.saturating_sub(then) > MEMORY)
        {
            self.order.pop_front();
            self.hashes.remove(&hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_new_once_as_long_as_any_lives() {
        let repeated = RepeatedTokens::default();
        let at = Duration::from_secs;
        assert!(repeated.is_new("a", at(0)) && repeated.is_new("b", at(1)));
        assert!(!repeated.is_new("a", at(900)), "it may still live");
        assert!(repeated.is_new("a", at(901)));
        assert!(!repeated.is_new("b", at(901)));
    }

    #[test]
    fn the_memory_is_bounded() {
        let repeated = RepeatedTokens::default();
        let tokens = MOST + 10;
        for n in 0..tokens {
            assert!(repeated.is_new(&n.to_string(), Duration::ZERO));
        }
        let seen = repeated.0.lock().unwrap();
        assert_eq!((seen.hashes.len(), seen.order.len()), (MOST, MOST));
    }
}
