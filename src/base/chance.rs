//! Randomness as an input: whoever needs some is handed it, so that tests can set it.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// A random number between 0 and 1, good enough for pauses and for nothing that must not be guessed.
pub fn chance() -> f64 {
    // Each state has keys of its own, so the hash of nothing is a random number.
    let random = RandomState::new().build_hasher().finish() as u32;
    f64::from(random) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_anything_between_0_and_1() {
        let some: Vec<_> = (0..100).map(|_| chance()).collect();
        assert!(some.iter().all(|it| (0.0..=1.0).contains(it)));
        assert!(some.iter().any(|it| *it < 0.5) && some.iter().any(|it| *it > 0.5), "{some:?}");
    }
}
