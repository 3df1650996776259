//! JWTs, and the sets of keys that verify them.

use std::{collections::BTreeMap, sync::LazyLock};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::FutureExt as _;
use serde_json::{Map, Value};

use super::{json::scan, line};
use crate::{
    base::{
        clock::Clock,
        secret::{Secret, SecretRef},
    },
    caller::fuzzing::{Keys, Verifier},
    settings::{Algorithm, Jwt, KeySource, PublicKey},
};

/// The time of all this.
const NOW: u64 = 1_800_000_000;

const LEEWAY: f64 = 5.0;

const ISSUER: &str = "https://issuer.example/";

const SECRET: &str = "a secret of these tests, and none of anyone else";

/// A key whose private half was thrown away.
const NOBODYS: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEPpBW5n6ncJ+687K/XGTG+mc9YKF4
7NV1b0dMKAFUVN0IsCh70rzWhxdLbIaXO9npDm/2VegfmsmbLNpCe58w6Q==
-----END PUBLIC KEY-----
";

const MAX_TOKEN: usize = 8 * 1024;

/// One that shares a secret with us, and one that only has a public key.
static VERIFIERS: LazyLock<[Verifier; 2]> = LazyLock::new(|| {
    let secret = KeySource::Secret(SecretRef::Given(Secret::new(SECRET)));
    let public = KeySource::Public(PublicKey::Inline(NOBODYS.to_owned()));
    [(secret, Algorithm::HS256), (public, Algorithm::ES256)].map(|(keys, algorithm)| {
        let settings = Jwt {
            issuer: ISSUER.to_owned(),
            audience: vec!["voice".to_owned()],
            audience_claim: "aud".to_owned(),
            keys,
            algorithms: vec![algorithm],
            typ: None,
            caller: "sub".to_owned(),
            require: BTreeMap::new(),
        };
        Verifier::new(&settings, Clock::fixed(NOW)).expect("the settings are in order")
    })
});

/// Nobody is known by a token that the test key has not signed, and of the signed ones only by
/// those that a second reader finds in order. The bytes are a token; or else a line with the header
/// and the claims after it, which are then signed.
pub fn jwt(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    check(&text);
    let (header, claims) = line(data);
    check(&signed(header, claims));
    check(&signed(br#"{"alg":"HS256","typ":"JWT"}"#, data));
}

/// Lets both verify `token`, and compares.
fn check(token: &str) {
    let [shared, public] = &*VERIFIERS;
    // Nothing in here waits: there is nothing to fetch.
    let caller = |it: &Verifier| it.caller(token).now_or_never().expect("it would have fetched");
    assert_eq!(caller(public), None, "nobody can have signed this");
    assert_eq!(caller(shared), expected(token), "{token}");
}

/// Whose token it is, as RFC 7519 has it.
fn expected(token: &str) -> Option<String> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else { return None };
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    hmac::verify(&key, format!("{header}.{claims}").as_bytes(), &signature).ok()?;
    let (header, claims) = (object(header)?, object(claims)?);
    let is_text = |name: &str| claims.get(name).is_none_or(Value::is_string);
    let audience: Vec<Option<&str>> = match claims.get("aud")? {
        Value::Array(names) => names.iter().map(Value::as_str).collect(),
        name => vec![name.as_str()],
    };
    let caller = claims.get("sub")?.as_str()?;
    let is_good = token.len() <= MAX_TOKEN
        && is_header(&header)
        && claims.get("iss")?.as_str()? == ISSUER
        && is_text("jti")
        && audience.iter().all(Option::is_some)
        && audience.contains(&Some("voice"))
        && are_times(&claims)?
        && (1..=256).contains(&caller.len())
        && !caller.chars().any(char::is_control);
    is_good.then(|| caller.to_owned())
}

fn is_header(header: &Map<String, Value>) -> bool {
    let kid = header.get("kid").is_none_or(|kid| {
        kid.as_str().is_some_and(|kid| {
            (1..=128).contains(&kid.len()) && kid.chars().all(|it| it.is_ascii_graphic())
        })
    });
    let unbearable = ["crit", "b64", "zip", "enc"].iter().any(|name| header.contains_key(*name));
    let typ = header.get("typ").is_none_or(Value::is_string);
    kid && typ && !unbearable && header.get("alg").is_some_and(|it| it == "HS256")
}

/// Whether it is the time of the claims; `None` where one is none.
fn are_times(claims: &Map<String, Value>) -> Option<bool> {
    let now = NOW as f64;
    let is_time = |time: &f64| *time >= 0.0 && *time < 253_402_300_800.0;
    let expires = claims.get("exp")?.as_f64().filter(is_time)?;
    let mut good = now < expires + LEEWAY && expires <= 253_402_300_799.0;
    for name in ["nbf", "iat"] {
        let Some(time) = claims.get(name) else { continue };
        good &= time.as_f64().filter(is_time)? <= now + LEEWAY;
    }
    Some(good)
}

/// The object in a part, if nothing in it is there twice.
fn object(part: &str) -> Option<Map<String, Value>> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    let object = serde_json::from_slice(&json).ok()?;
    scan(&json).repeats.is_empty().then_some(object)
}

fn signed(header: &[u8], claims: &[u8]) -> String {
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
    let message = format!("{header}.{claims}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, message.as_bytes()));
    format!("{message}.{signature}")
}

/// Signatures that weak keys are known to take for their own.
const FORGED: [&[u8]; 3] = [&[0; 64], &[0; 256], &IDENTITY];

/// On the curve of Ed25519: the neutral element, and nought times the base point.
const IDENTITY: [u8; 64] = {
    let mut signature = [0; 64];
    signature[0] = 1;
    signature
};

/// A set's keys are of the kind that is asked for, public, and as many as are named; and none of
/// them takes a signature that needs no key. The bytes are the set.
pub fn jwks(data: &[u8]) {
    for (algorithm, kty, crv) in [
        (Algorithm::RS256, "RSA", None),
        (Algorithm::ES256, "EC", Some("P-256")),
        (Algorithm::EdDSA, "OKP", Some("Ed25519")),
    ] {
        let Some(keys) = Keys::read(data, algorithm) else { continue };
        let set: Value = serde_json::from_slice(data).expect("a set is JSON");
        assert!(scan(data).repeats.is_empty(), "a member is there twice");
        let all = set["keys"].as_array().expect("a set is a list");
        assert!(all.len() <= 50);
        let fitting = all.iter().filter(|key| {
            key["kty"] == kty && key.get("d").is_none() && crv.is_none_or(|crv| key["crv"] == crv)
        });
        let mut fitting = fitting.map(|key| key.get("kid").and_then(Value::as_str));
        for name in keys.names() {
            assert!(
                fitting.any(|it| it == name),
                "{name:?} is not in the set, or not in its place"
            );
        }
        let message = [br#"{"alg":"x"}"#.as_slice(), b"{}"].map(|it| URL_SAFE_NO_PAD.encode(it));
        for signature in FORGED {
            let signature = URL_SAFE_NO_PAD.encode(signature);
            let token = format!("{}.{signature}", message.join("."));
            assert!(!keys.verify(&token), "a key of the set takes what nobody signed");
        }
    }
}
