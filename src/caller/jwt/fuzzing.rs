//! The ways in for [`crate::fuzzing`]: what is private here, and reads what anyone may send.

use super::{
    Issuer, claimed_issuer, fetch,
    key::Key,
    token::{MAX_DEPTH, Token},
};
use crate::{
    base::{clock::Clock, strict_json::object},
    settings::{Algorithm, Jwt},
};

/// An issuer whose keys need not be fetched.
pub(crate) struct Verifier(Issuer);

impl Verifier {
    /// Makes it ready.
    pub(crate) fn new(settings: &Jwt, clock: Clock) -> Result<Self, String> {
        let issuer = Issuer::new(settings, &|_| None, clock, &[]);
        issuer.map(Self).map_err(|(_, why)| why)
    }

    /// Who the bearer of `token` is; `None` for anyone.
    pub(crate) async fn caller(&self, token: &str) -> Option<String> {
        let claimed = claimed_issuer(token);
        let caller = self.0.verify(token).await.ok()?.caller;
        assert_eq!(claimed.as_deref(), Some(self.0.name()), "nobody would have asked it");
        Some(caller)
    }
}

/// The keys of one algorithm in a set.
pub(crate) struct Keys {
    keys: Vec<Key>,
    algorithm: Algorithm,
}

impl Keys {
    /// Those in `document`; `None` if there is none.
    pub(crate) fn read(document: &[u8], algorithm: Algorithm) -> Option<Self> {
        let keys =
            fetch::usable(&object(document, "the set", MAX_DEPTH).ok()?, &[algorithm]).ok()?;
        Some(Self { keys, algorithm })
    }

    /// Their names.
    pub(crate) fn names(&self) -> impl Iterator<Item = Option<&str>> {
        self.keys.iter().map(|key| key.kid.as_deref())
    }

    /// Whether one of them says that it signed `token`.
    pub(crate) fn verify(&self, token: &str) -> bool {
        let Ok(token) = Token::split(token) else { return false };
        self.keys.iter().any(|key| key.verifies(&token, self.algorithm))
    }
}
