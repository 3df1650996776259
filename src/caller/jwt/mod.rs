//! JWTs: who is who by the word of an issuer (RFC 7519), read as strictly as RFC 8725 asks.
//!
//! The settings say which issuers there are, where the keys of each are and by which algorithms it
//! signs. A token chooses among them and changes nothing. Of `jsonwebtoken` only the signatures
//! are used, and the reading of PEM; why, is in [`expected`].

mod expected;
mod fetch;
mod fixed;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod jwks;
mod key;
mod token;

#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use serde_json::Value;

use super::{Claims, Rejected};
use crate::{
    base::clock::Clock,
    settings::{self, Algorithm, KeySource},
};
use expected::Expected;
use fetch::Source;
use jwks::Jwks;
use key::{Key, family};
use token::{Header, Token};

/// One `[[auth.jwt]]`, ready to verify.
pub(super) struct Issuer {
    algorithms: Vec<Algorithm>,
    typ: Option<String>,
    keys: Keys,
    expected: Expected,
    clock: Clock,
}

/// Who a token says that its bearer is, once it is known to be true.
#[derive(Debug)]
pub(super) struct Identity {
    /// The caller claim: not empty, 256 bytes at most, without control characters.
    pub(super) caller: String,
    /// All of the claims.
    pub(super) claims: Claims,
}

enum Keys {
    /// Always this one. Its tokens may well have a `kid`; there is nothing to choose by it.
    One(Arc<Key>),
    /// One of these.
    Set(Jwks),
}

impl Keys {
    fn set(&self) -> Option<&Jwks> {
        match self {
            Self::One(_) => None,
            Self::Set(jwks) => Some(jwks),
        }
    }
}

/// The issuer that a token claims to be of, unverified: good for choosing who verifies it, and for
/// nothing else. `None` if it is no JWT.
pub(super) fn claimed_issuer(token: &str) -> Option<String> {
    match Token::split(token).ok()?.claims().ok()?.remove("iss") {
        Some(Value::String(issuer)) => Some(issuer),
        _ => None,
    }
}

impl Issuer {
    /// Makes ready what `settings` describe; `env` is where references to secrets lead. A set of keys
    /// that one of `before` has fetched from the same place goes on.
    ///
    /// # Errors
    /// The key within the table that is wrong, and how to mend it, for the operator.
    pub(super) fn new(
        settings: &settings::Jwt,
        env: &dyn Fn(&str) -> Option<String>,
        clock: Clock,
        before: &[Self],
    ) -> Result<Self, (&'static str, String)> {
        check(settings)?;
        let algorithms = settings.algorithms.clone();
        let issuer = settings.issuer.clone();
        let set = |source| {
            let known = before.iter().filter_map(|other| other.keys.set());
            let same = { known }.find(|set| set.is_of(&issuer, &source, &algorithms)).cloned();
            let anew = || Jwks::new(issuer.clone(), source, algorithms.clone());
            same.map_or_else(anew, Ok).map(Keys::Set).map_err(|why| ("jwks_url", why))
        };
        let one = |key| Keys::One(Arc::new(key));
        let keys = match &settings.keys {
            KeySource::Secret(reference) => {
                one(fixed::secret(reference, env, &algorithms).map_err(|why| ("secret", why))?)
            }
            KeySource::Public(key) => {
                one(fixed::public(key, &algorithms).map_err(|why| ("public_key", why))?)
            }
            KeySource::Jwks(url) => set(Source::Jwks(url.clone()))?,
            KeySource::Discovery => {
                set(Source::discovery(&settings.issuer).map_err(|why| ("issuer", why))?)?
            }
        };
        let typ = settings.typ.as_deref().map(short_typ);
        Ok(Self { algorithms, typ, keys, expected: Expected::new(settings), clock })
    }

    /// The `iss` of its tokens.
    pub(super) fn name(&self) -> &str {
        &self.expected.issuer
    }

    /// Whom the token is of.
    ///
    /// # Errors
    /// `Wrong` in every case but one: `Unavailable` while the issuer's keys were never there.
    pub(super) async fn verify(&self, token: &str) -> Result<Identity, Rejected> {
        let token = Token::split(token)?;
        let header = token.header()?;
        // What costs nothing comes before what may cost a call.
        self.check_header(&header)?;
        let key = match &self.keys {
            Keys::One(key) => key.clone(),
            Keys::Set(jwks) => jwks.find(header.kid.as_deref()).await?,
        };
        if !key.verifies(&token, header.algorithm) {
            return Err(Rejected::Wrong("the signature is wrong"));
        }
        self.expected.check(token.claims()?, self.clock.unix())
    }

    fn check_header(&self, header: &Header) -> Result<(), Rejected> {
        if !self.algorithms.contains(&header.algorithm) {
            return Err(Rejected::Wrong("the algorithm is not the issuer's"));
        }
        if self.typ.is_some() && header.typ.as_deref().map(short_typ) != self.typ {
            return Err(Rejected::Wrong("the typ is missing or another"));
        }
        Ok(())
    }
}

/// What it is an issuer of, and no key.
impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issuer({:?})", self.name())
    }
}

/// Refuses settings that do not fit together. A key is of one family, and so are its algorithms:
/// where they are not, a public key can end up as the secret of an HMAC.
fn check(settings: &settings::Jwt) -> Result<(), (&'static str, String)> {
    let Some(first) = settings.algorithms.first() else {
        return Err(("algorithms", "name at least one, such as [\"RS256\"]".to_owned()));
    };
    if settings.algorithms.iter().any(|it| family(*it) != family(*first)) {
        let message = "must go with one kind of key: HS with a secret, RS and PS with RSA, ES with \
                       EC, EdDSA with Ed25519; an issuer with keys of two kinds needs two tables";
        return Err(("algorithms", message.to_owned()));
    }
    if first.is_symmetric() != matches!(settings.keys, KeySource::Secret(_)) {
        let message = "HS256, HS384 and HS512 go with secret, all others with jwks_url, discovery \
                       or public_key";
        return Err(("algorithms", message.to_owned()));
    }
    if settings.audience.is_empty() {
        let message = "name at least one: without it the JWTs of this issuer for every other \
                       application would be good here, too";
        return Err(("audience", message.to_owned()));
    }
    Ok(())
}

/// A `typ` as it is compared: its case does not matter, nor `application/` where no other slash
/// follows (RFC 7515, section 4.1.9).
fn short_typ(typ: &str) -> String {
    let typ = typ.to_ascii_lowercase();
    match typ.strip_prefix("application/") {
        Some(short) if !short.contains('/') => short.to_owned(),
        _ => typ,
    }
}
