//! Settings that cannot be made ready, and what the operator is told.

use super::{
    super::{Issuer, fixed},
    NOW, build, claims, issuer,
    signer::{EC, ED, RSA, Signer, pem},
    tables, trusting, why,
};
use crate::settings::{Algorithm, Jwt, KeySource, PublicKey};

const SECRET: &str = "canary-0123456789-0123456789-0123456789";

/// A table with these lines.
fn table(lines: &str) -> Jwt {
    let toml = format!("[[auth.jwt]]\nissuer = \"https://i.example\"\naudience = \"a\"\n{lines}\n");
    tables(&toml).remove(0)
}

fn with_key(pem: &str, algorithms: &[Algorithm]) -> Result<Issuer, (&'static str, String)> {
    let mut table = table("jwks_url = \"https://i.example/keys\"\nalgorithms = [\"RS256\"]");
    table.keys = KeySource::Public(PublicKey::Inline(pem.to_owned()));
    table.algorithms = algorithms.to_vec();
    build(&table, &[])
}

#[tokio::test]
async fn a_secret_is_taken_from_where_the_settings_say() {
    let table = table("secret = \"env:JWT_SECRET\"\nalgorithms = [\"HS256\"]");
    let issuer = build(&table, &[("JWT_SECRET", SECRET)]).unwrap();
    let claims = claims(serde_json::json!({"iss": "https://i.example", "aud": "a"}));
    let token = Signer::hmac(SECRET.as_bytes()).sign(&claims);
    let identity = issuer.verify(&token).await.unwrap();
    assert_eq!(identity.caller, "alice");
    let other = Signer::hmac(&[7; 32]).sign(&claims);
    assert_eq!(why(issuer.verify(&other).await), "the signature is wrong");
    let shown = format!("{issuer:?} {identity:?}");
    assert!(!shown.contains("canary") && !shown.contains(&token), "{shown}");
    assert!(shown.contains("https://i.example"));
}

#[test]
fn a_secret_that_is_missing_short_or_unreadable_is_refused() {
    let lines = "secret = \"env:JWT_SECRET\"\nalgorithms = [\"HS256\"]";
    for (env, expected) in [
        (vec![], "env:JWT_SECRET leads to nothing"),
        (vec![("JWT_SECRET", "canary-of-31-bytes-0123456789-0")], "fewer than 32 bytes"),
        (vec![("JWT_SECRET", "")], "JWT_SECRET is unusable: it is empty"),
        (vec![("JWT_SECRET", SECRET), ("JWT_SECRET_FILE", "/x")], "unset one of them"),
        (vec![("JWT_SECRET_FILE", "/no/such")], "cannot be read"),
    ] {
        let (key, message) = build(&table(lines), &env).unwrap_err();
        assert_eq!(key, "secret");
        assert!(message.contains(expected) && !message.contains("canary"), "{message}");
    }
}

#[test]
fn a_public_key_must_be_of_the_algorithms_family() {
    use Algorithm::{ES256, ES384, EdDSA, PS256, RS256, RS512};
    let p384 = Signer::p384("");
    for (pem, algorithms) in [
        (&RSA.pem, [RS256, PS256].as_slice()),
        (&EC.pem, &[ES256]),
        (&EC.pem, &[ES384, ES256]),
        (&p384.pem, &[ES384]),
        (&ED.pem, &[EdDSA]),
    ] {
        assert!(with_key(pem, algorithms).is_ok(), "{algorithms:?}");
    }
    for (pem, algorithms) in [
        (&RSA.pem, [ES256].as_slice()),
        (&RSA.pem, &[EdDSA]),
        (&EC.pem, &[RS256]),
        (&EC.pem, &[ES384]),
        (&EC.pem, &[EdDSA]),
        (&p384.pem, &[ES256]),
        (&ED.pem, &[RS512]),
        (&ED.pem, &[ES256]),
    ] {
        let (key, message) = with_key(pem, algorithms).unwrap_err();
        assert_eq!(key, "public_key");
        assert!(message.starts_with("is no public key that can be used with"), "{message}");
        assert!(!message.contains(&pem[30..60]), "{message}");
    }
}

#[test]
fn a_key_on_a_curve_that_is_not_ours_is_refused() {
    let x25519 = "MCowBQYDK2VuAyEAPagdvCEIw9U301hmmbVl3G/TcSFMQIiaANSkk2qu/zM=";
    let secp256k1 = "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAElwg1emvf4hoqKe+tiFMYjB3RtXLixSYO\n\
                     e5TGLtDqp2bPhBV17vfZTese4En4v+vLJwi+s6caMwI3jyepE2GMgg==";
    let ed448 = "MEMwBQYDK2VxAzoAwnDWByQR3MD4bpLebk+XoAjHbPIgzxKvjDKco7eEg5NV7UZh\n\
                 C60ZuxOP7Ul3B8XbZ7tDIGn9FA+A";
    for (body, algorithm) in [
        (x25519, Algorithm::EdDSA),
        (ed448, Algorithm::EdDSA),
        (secp256k1, Algorithm::ES256),
        (secp256k1, Algorithm::ES384),
    ] {
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n");
        let (_, message) = with_key(&pem, &[algorithm]).unwrap_err();
        assert!(message.starts_with("is no public key that can be used with"), "{message}");
    }
}

#[test]
fn what_is_pasted_in_the_place_of_a_public_key_is_named_and_never_repeated() {
    let (public, private) = (&RSA.pem, &RSA.private_pem);
    let certificate = pem("CERTIFICATE", b"canary canary canary");
    for (text, expected) in [
        (private.clone(), "is a private key"),
        (EC.private_pem.clone(), "is a private key"),
        (format!("{public}{private}"), "is a private key"),
        (private.replace("PRIVATE KEY", "RSA PRIVATE KEY"), "is a private key"),
        (private.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"), "is a private key"),
        (certificate.clone(), "is a certificate"),
        (format!("{public}{certificate}"), "is a certificate"),
        (format!("{public}{public}"), "expected one PEM block"),
        (String::new(), "expected one PEM block"),
        ("canary".to_owned(), "expected one PEM block"),
        (pem("DSA PUBLIC KEY", b"canary"), "expected one PEM block"),
        (pem("PUBLIC KEY", b"canary"), "is no public key that can be used with RS256"),
        ("-----BEGIN PUBLIC KEY-----\ncanary".to_owned(), "is no public key that can"),
    ] {
        let (key, message) = with_key(&text, &[Algorithm::RS256]).unwrap_err();
        assert_eq!(key, "public_key");
        assert!(message.starts_with(expected), "{message}");
        assert!(!message.contains("canary") && !message.contains("MII"), "{message}");
    }
}

#[test]
fn a_weak_rsa_key_is_refused() {
    // Of 1024 bits, from openssl genrsa; aws-lc-rs would not make one.
    let weak = "-----BEGIN PUBLIC KEY-----\n\
        MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDcJXt9vriNg7Y8HqrVo5OLKcll\n\
        pwGow1QaliNeh0/rkqDNlXOh/W70rYgLkylS+8v1MsxEnLd4h/JemeILhyiq0pax\n\
        o7xeGOxt58C0naJRxQc0SRAdA+vPG/wp1gFE0NcjoKxaOJWZ1sI8ZmcW7bXmUFIa\n\
        kbYaGAGaRkgHNnU1SQIDAQAB\n\
        -----END PUBLIC KEY-----\n";
    let (key, message) = with_key(weak, &[Algorithm::RS256]).unwrap_err();
    assert_eq!(key, "public_key");
    assert!(message.contains("2048 bits or more"), "{message}");
}

#[test]
fn an_ed25519_key_that_anyone_can_sign_for_is_refused() {
    // The head of every such key in PEM, and the neutral element.
    let head = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    let neutral: Vec<u8> = head.into_iter().chain([1]).chain([0; 31]).collect();
    let (key, message) = with_key(&pem("PUBLIC KEY", &neutral), &[Algorithm::EdDSA]).unwrap_err();
    assert_eq!(key, "public_key");
    assert!(message.starts_with("is no public key that can be used with EdDSA"), "{message}");
    assert!(with_key(&ED.pem, &[Algorithm::EdDSA]).is_ok());
}

#[tokio::test]
async fn a_public_key_may_lie_in_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &EC.pem).unwrap();
    let path = file.path().display();
    let from_file = issuer(&format!("public_key = \"file:{path}\"\nalgorithms = [\"ES256\"]"));
    let token = EC.sign(&claims(serde_json::json!({"kid": "any"})));
    assert!(from_file.verify(&token).await.is_ok());
    let table = table("public_key = \"file:/no/such/key.pem\"\nalgorithms = [\"ES256\"]");
    let (key, message) = build(&table, &[]).unwrap_err();
    assert_eq!(key, "public_key");
    assert!(message.starts_with("/no/such/key.pem cannot be read"), "{message}");
    let mut binary = table.clone();
    std::fs::write(file.path(), [0xff; 100]).unwrap();
    binary.keys = KeySource::Public(PublicKey::File(file.path().to_owned()));
    assert!(build(&binary, &[]).unwrap_err().1.contains("cannot be read"));
}

#[test]
fn algorithms_are_of_one_family_and_go_with_the_key() {
    use Algorithm::{ES256, EdDSA, HS256, RS256};
    let jwks = table("jwks_url = \"https://i.example/keys\"\nalgorithms = [\"RS256\"]");
    let secret = table("secret = \"env:JWT_SECRET\"\nalgorithms = [\"HS256\"]");
    for (table, algorithms) in [
        (&jwks, [RS256, ES256].as_slice()),
        (&jwks, &[ES256, EdDSA]),
        (&jwks, &[RS256, HS256]),
        (&jwks, &[HS256]),
        (&jwks, &[]),
        (&secret, &[HS256, RS256]),
        (&secret, &[RS256]),
    ] {
        let table = Jwt { algorithms: algorithms.to_vec(), ..table.clone() };
        let (key, _) = build(&table, &[("JWT_SECRET", SECRET)]).unwrap_err();
        assert_eq!(key, "algorithms", "{algorithms:?}");
    }
    let table = Jwt { audience: Vec::new(), ..jwks };
    assert_eq!(build(&table, &[]).unwrap_err().0, "audience");
}

#[tokio::test]
async fn neither_a_token_nor_a_key_is_in_what_is_shown() {
    let issuer = trusting(&RSA);
    let token = RSA.sign(&claims(serde_json::json!({"exp": NOW - 60})));
    let shown = format!("{issuer:?} {:?}", issuer.verify(&token).await);
    for part in token.split('.').chain(RSA.pem.lines()) {
        assert!(!shown.contains(part), "{shown}");
    }
    assert!(fixed::public(&PublicKey::Inline(token), &[Algorithm::RS256]).is_err());
}
