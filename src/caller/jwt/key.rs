//! A key that verifies signatures, and the algorithms that it may be used with. That they hang
//! together is what makes it impossible to use a public key as a secret.

use aws_lc_rs::{
    rsa::PublicEncryptingKey,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey, RsaParameters,
        RsaPublicKeyComponents, VerificationAlgorithm,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{AlgorithmFamily, DecodingKey, crypto};
use serde_json::{Map, Value};

use super::token::{Token, is_kid};
use crate::{
    base::{hex::Hex, secret::Secret},
    settings::Algorithm,
};

/// What RSA keys may have, in bits: fewer can be broken, more cost too much time.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A key.
pub(super) struct Key {
    /// Its name in a set.
    pub(super) kid: Option<String>,
    /// What it may be used with; never empty.
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

impl Key {
    /// The key that `secret` is.
    pub(super) fn secret(secret: &Secret, algorithms: &[Algorithm]) -> Self {
        let key = DecodingKey::from_secret(secret.expose().as_bytes());
        Self { kid: None, algorithms: algorithms.to_vec(), key }
    }

    /// The public key in `pem`, which has no certificate or private key in it. `None` if it is none
    /// of the family of `algorithms`.
    pub(super) fn pem(pem: &str, algorithms: &[Algorithm]) -> Option<Self> {
        let pem = pem.as_bytes();
        let key = match family(*algorithms.first()?) {
            AlgorithmFamily::Hmac => return None,
            AlgorithmFamily::Rsa => DecodingKey::from_rsa_pem(pem),
            AlgorithmFamily::Ec => DecodingKey::from_ec_pem(pem),
            AlgorithmFamily::Ed => DecodingKey::from_ed_pem(pem),
        };
        let key = key.ok()?;
        let raw = key.try_get_as_bytes().ok()?;
        let is_usable = |algorithm: &Algorithm| match curve(*algorithm) {
            Some(curve) => is_point(curve, raw),
            None => RsaParameters::public_modulus_len(raw)
                .is_ok_and(|bits| RSA_BITS.contains(&(bits as usize))),
        };
        let algorithms = algorithms.iter().copied().filter(is_usable).collect();
        Self { kid: None, algorithms, key }.if_usable()
    }

    /// The key of a set that `jwk` (RFC 7517, section 4) is. `None` if it is not for verifying with
    /// one of `algorithms`, which are of one family and not symmetric.
    pub(super) fn jwk(jwk: &Map<String, Value>, algorithms: &[Algorithm]) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let is_for_this = jwk.get("use").is_none_or(|it| it == "sig")
            && jwk.get("key_ops").is_none_or(|it| lists(it, "verify"))
            // A private key that is out in the open signs for anyone.
            && !jwk.contains_key("d");
        if !is_for_this {
            return None;
        }
        let kid = match jwk.get("kid") {
            None => None,
            Some(kid) => Some(kid.as_str().filter(|kid| is_kid(kid))?.to_owned()),
        };
        let mut algorithms = algorithms.to_vec();
        if jwk.contains_key("alg") {
            algorithms.retain(|algorithm| text("alg") == Some(algorithm.name()));
        }
        algorithms.retain(|algorithm| {
            text("kty") == Some(kty(*algorithm))
                && crv(*algorithm).is_none_or(|it| text("crv") == Some(it))
        });
        let key = components(jwk, *algorithms.first()?)?;
        Self { kid, algorithms, key }.if_usable()
    }

    fn if_usable(self) -> Option<Self> {
        (!self.algorithms.is_empty()).then_some(self)
    }

    /// Whether the token is signed with this key, by an algorithm that the key is for.
    pub(super) fn verifies(&self, token: &Token<'_>, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
            && crypto::verify(
                token.signature,
                token.message.as_bytes(),
                &self.key,
                counterpart(algorithm),
            )
            .unwrap_or(false)
    }
}

/// The key that the members of `jwk` make up, which is of the kind that `algorithm` needs.
fn components(jwk: &Map<String, Value>, algorithm: Algorithm) -> Option<DecodingKey> {
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(jwk.get(name)?.as_str()?).ok();
    let Some(curve) = curve(algorithm) else {
        let (n, e) = (bytes("n")?, bytes("e")?);
        let key: PublicEncryptingKey = RsaPublicKeyComponents { n: &n, e: &e }.try_into().ok()?;
        let is_good = RSA_BITS.contains(&key.key_size_bits()) && is_exponent(&e);
        return is_good.then(|| DecodingKey::from_rsa_raw_components(&n, &e));
    };
    let raw = match family(algorithm) {
        AlgorithmFamily::Ec => [vec![4], bytes("x")?, bytes("y")?].concat(),
        _ => bytes("x")?,
    };
    is_point(curve, &raw).then(|| match family(algorithm) {
        AlgorithmFamily::Ec => DecodingKey::from_ec_der(&raw),
        _ => DecodingKey::from_ed_der(&raw),
    })
}

/// Whether `raw` is a key on `curve` that only its owner can sign with.
fn is_point(curve: &'static dyn VerificationAlgorithm, raw: &[u8]) -> bool {
    ParsedPublicKey::new(curve, raw).is_ok() && !raw.last_chunk().is_some_and(is_of_small_order)
}

/// The y of the Ed25519 points of small order, in each way that it can be written.
const SMALL_ORDER: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/// Whether an Ed25519 key is one of the few points that verify what nobody signed: aws-lc-rs takes
/// them (RFC 8032 lets it). By their y alone; a point of another curve that ends so is none that
/// anyone has.
fn is_of_small_order(raw: &[u8; 32]) -> bool {
    let mut y = *raw;
    // What remains is the sign of x.
    y[31] &= 0x7f;
    SMALL_ORDER.contains(&&*Hex(&y).to_string())
}

/// Whether `e` is odd and more than one. aws-lc-rs finds out only when it verifies: such a key would
/// count as the one that there is.
fn is_exponent(e: &[u8]) -> bool {
    let zeros = e.iter().take_while(|byte| **byte == 0).count();
    e[zeros..].last().is_some_and(|last| last % 2 == 1) && e[zeros..] != [1]
}

fn lists(list: &Value, item: &str) -> bool {
    list.as_array().is_some_and(|items| items.iter().any(|it| it == item))
}

/// Whose keys `algorithm` takes.
pub(super) fn family(algorithm: Algorithm) -> AlgorithmFamily {
    counterpart(algorithm).family()
}

/// The `kty` of a key for `algorithm` (RFC 7518, section 6.1; RFC 8037, section 2).
fn kty(algorithm: Algorithm) -> &'static str {
    match family(algorithm) {
        // Nobody's: a secret that is fetched like a public key is none.
        AlgorithmFamily::Hmac => "",
        AlgorithmFamily::Rsa => "RSA",
        AlgorithmFamily::Ec => "EC",
        AlgorithmFamily::Ed => "OKP",
    }
}

/// The `crv` of a key for `algorithm`, if it has one.
fn crv(algorithm: Algorithm) -> Option<&'static str> {
    match algorithm {
        Algorithm::ES256 => Some("P-256"),
        Algorithm::ES384 => Some("P-384"),
        Algorithm::EdDSA => Some("Ed25519"),
        _ => None,
    }
}

/// What a key for `algorithm` must be a point on, if it is one.
fn curve(algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
    match algorithm {
        Algorithm::ES256 => Some(&ECDSA_P256_SHA256_FIXED),
        Algorithm::ES384 => Some(&ECDSA_P384_SHA384_FIXED),
        Algorithm::EdDSA => Some(&ED25519),
        _ => None,
    }
}

fn counterpart(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    use jsonwebtoken::Algorithm as Theirs;
    match algorithm {
        Algorithm::HS256 => Theirs::HS256,
        Algorithm::HS384 => Theirs::HS384,
        Algorithm::HS512 => Theirs::HS512,
        Algorithm::RS256 => Theirs::RS256,
        Algorithm::RS384 => Theirs::RS384,
        Algorithm::RS512 => Theirs::RS512,
        Algorithm::PS256 => Theirs::PS256,
        Algorithm::PS384 => Theirs::PS384,
        Algorithm::PS512 => Theirs::PS512,
        Algorithm::ES256 => Theirs::ES256,
        Algorithm::ES384 => Theirs::ES384,
        Algorithm::EdDSA => Theirs::EdDSA,
    }
}
