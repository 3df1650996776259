//! Sets of keys: how they are fetched, kept and renewed, and which keys count.

use std::time::Duration;

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokio::time;

use super::{
    super::Rejected,
    build, claims, fetching,
    server::{Answer, Server, body, set},
    signer::{EC, ED, RSA, RSA_2, Signer},
    tables, why,
};

/// Lets time pass for everything that goes by monotonic time, and no more: with the time paused for
/// longer, tokio would let the deadline pass while it waits for a socket.
pub(super) async fn pass(seconds: u64) {
    time::pause();
    time::advance(Duration::from_secs(seconds)).await;
    time::resume();
}

fn token(signer: &Signer) -> String {
    signer.sign(&claims(json!({})))
}

fn unavailable<T: std::fmt::Debug>(result: Result<T, Rejected>) -> bool {
    matches!(result, Err(Rejected::Unavailable(_)))
}

#[tokio::test]
async fn a_key_is_found_by_its_kid_among_all_kinds() {
    let p384 = Signer::p384("ec-3");
    let signers = [&*RSA, &*RSA_2, &*EC, &p384, &*ED];
    let keys: Vec<Value> = signers.iter().map(|signer| signer.jwk(json!({}))).collect();
    let server = Server::with_keys(&keys).await;
    for (algorithms, good) in [
        (r#"["RS256", "PS256"]"#, ["rsa-1", "rsa-2"].as_slice()),
        (r#"["ES256", "ES384"]"#, &["ec-1", "ec-3"]),
        (r#"["ES384"]"#, &["ec-3"]),
        (r#"["EdDSA"]"#, &["ed-1"]),
    ] {
        let issuer = fetching(&server, algorithms);
        for signer in signers {
            let result = issuer.verify(&token(signer)).await;
            assert_eq!(result.is_ok(), good.contains(&signer.kid), "{algorithms} {}", signer.kid);
        }
    }
}

#[tokio::test]
async fn a_key_that_is_not_for_verifying_is_ignored() {
    // Of 1024 bits.
    let weak = "3CV7fb64jYO2PB6q1aOTiynJZacBqMNUGpYjXodP65KgzZVzof1u9K2IC5MpUvvL9TLMRJy3eIfyXpni\
                C4coqtKWsaO8XhjsbefAtJ2iUcUHNEkQHQPrzxv8KdYBRNDXI6CsWjiVmdbCPGZnFu215lBSGpG2GhgBmkZIBzZ1NUk";
    let weak = RSA.jwk(json!({"n": weak}));
    let secret = "c2VjcmV0".repeat(8);
    let point = |changes: Value| EC.jwk(changes);
    for (key, algorithms) in [
        (RSA.jwk(json!({"use": "enc"})), "RS256"),
        (RSA.jwk(json!({"use": 1})), "RS256"),
        (RSA.jwk(json!({"key_ops": ["encrypt"]})), "RS256"),
        (RSA.jwk(json!({"alg": "RSA-OAEP"})), "RS256"),
        (RSA.jwk(json!({"alg": "PS256"})), "RS256"),
        (RSA.jwk(json!({"alg": 7})), "RS256"),
        (RSA.jwk(json!({"kid": 7})), "RS256"),
        (RSA.jwk(json!({"kid": "a b"})), "RS256"),
        (RSA.jwk(json!({"kty": "EC"})), "RS256"),
        (RSA.jwk(json!({"e": null})), "RS256"),
        (RSA.jwk(json!({"e": "AQ"})), "RS256"),
        (RSA.jwk(json!({"e": "AAAB"})), "RS256"),
        (RSA.jwk(json!({"e": "Ag"})), "RS256"),
        (RSA.jwk(json!({"e": ""})), "RS256"),
        (RSA.jwk(json!({"d": "private"})), "RS256"),
        (weak, "RS256"),
        (point(json!({"crv": "P-384"})), "ES256"),
        (point(json!({"x": "AAAA"})), "ES256"),
        (point(json!({"y": ED.jwk(json!({}))["x"]})), "ES256"),
        (ED.jwk(json!({"crv": "X25519"})), "EdDSA"),
        // Points of the orders 1, 2, 4, 8 and, with the other sign, 8: anyone can sign for them.
        (ED.jwk(json!({"x": "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})), "EdDSA"),
        (ED.jwk(json!({"x": "7P_______________________________________38"})), "EdDSA"),
        (ED.jwk(json!({"x": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})), "EdDSA"),
        (ED.jwk(json!({"x": "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o"})), "EdDSA"),
        (ED.jwk(json!({"x": "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_IU"})), "EdDSA"),
        (json!({"kty": "oct", "kid": "rsa-1", "k": secret, "alg": "RS256"}), "RS256"),
        (json!({"kty": "oct", "kid": "rsa-1", "k": secret, "alg": "HS256"}), "RS256"),
        (json!({"kty": "oct", "kid": "rsa-1", "k": secret}), "RS256"),
        (json!("rsa-1"), "RS256"),
        (json!({}), "RS256"),
    ] {
        let server = Server::with_keys(std::slice::from_ref(&key)).await;
        let issuer = fetching(&server, &format!("[\"{algorithms}\"]"));
        let signer = [&*RSA, &*EC, &*ED].into_iter().find(|it| it.name() == algorithms).unwrap();
        assert!(unavailable(issuer.verify(&token(signer)).await), "{key}");
        // Beside a good key it does not disturb.
        let good = signer.jwk(json!({"kid": "good"}));
        let server = Server::with_keys(&[key.clone(), good]).await;
        let issuer = fetching(&server, &format!("[\"{algorithms}\"]"));
        let good = signer.sign_with(json!({"kid": "good"}), &claims(json!({})));
        assert!(issuer.verify(&good).await.is_ok(), "{key}");
        assert!(issuer.verify(&token(signer)).await.is_err(), "{key}");
    }
}

#[tokio::test]
async fn an_oct_key_of_a_set_never_verifies() {
    let secret = [7; 32];
    let oct = json!({"kty": "oct", "kid": "hs-1", "k": super::part(secret), "alg": "HS256"});
    let server = Server::with_keys(&[oct, RSA.jwk(json!({}))]).await;
    let issuer = fetching(&server, "[\"RS256\"]");
    let hmac = Signer::hmac(&secret);
    assert_eq!(why(issuer.verify(&token(&hmac)).await), "the algorithm is not the issuer's");
    let lie = hmac.sign_with(json!({"alg": "RS256"}), &claims(json!({})));
    assert_eq!(why(issuer.verify(&lie).await), "the kid is none of the issuer's");
}

#[tokio::test]
async fn a_key_is_used_with_its_own_algorithm_only() {
    let server = Server::with_keys(&[RSA.jwk(json!({})), RSA_2.jwk(json!({"alg": null}))]).await;
    let issuer = fetching(&server, "[\"RS256\", \"PS256\"]");
    let pss = |signer: &Signer| token(&signer.with(Algorithm::PS256));
    assert_eq!(why(issuer.verify(&pss(&RSA)).await), "the signature is wrong");
    assert!(issuer.verify(&pss(&RSA_2)).await.is_ok());
}

#[tokio::test]
async fn without_a_kid_there_must_be_one_key_only() {
    let nameless = RSA.sign_with(json!({"kid": null}), &claims(json!({})));
    let server = Server::with_keys(&[RSA.jwk(json!({"kid": null})), EC.jwk(json!({}))]).await;
    let issuer = fetching(&server, "[\"RS256\"]");
    assert!(issuer.verify(&nameless).await.is_ok());
    assert_eq!(why(issuer.verify(&token(&RSA)).await), "the kid is none of the issuer's");
    let server = Server::with_keys(&[RSA.jwk(json!({})), RSA_2.jwk(json!({}))]).await;
    let issuer = fetching(&server, "[\"RS256\"]");
    let no_kid = "there is no kid, but a choice of keys";
    assert_eq!(why(issuer.verify(&nameless).await), no_kid);
    assert!(issuer.verify(&token(&RSA)).await.is_ok());
    assert_eq!(server.hits(), 1, "nothing is renewed for want of a kid");
}

#[tokio::test]
async fn two_keys_of_one_name_are_a_riddle() {
    let server = Server::with_keys(&[RSA.jwk(json!({})), RSA_2.jwk(json!({"kid": "rsa-1"}))]).await;
    let issuer = fetching(&server, "[\"RS256\"]");
    assert_eq!(why(issuer.verify(&token(&RSA)).await), "the kid is none of the issuer's");
}

#[tokio::test]
async fn a_new_key_works_after_one_renewal() {
    let server = Server::with_keys(&[RSA.jwk(json!({}))]).await;
    let issuer = fetching(&server, "[\"RS256\"]");
    assert!(issuer.verify(&token(&RSA)).await.is_ok());
    server.answer(set(&[RSA.jwk(json!({})), RSA_2.jwk(json!({}))]));
    assert!(issuer.verify(&token(&RSA_2)).await.is_ok(), "right after the start, too");
    assert_eq!(server.hits(), 2);
    // The old key goes; nobody asks for a new one, so it is an hour until that is noticed.
    server.answer(set(&[RSA_2.jwk(json!({}))]));
    pass(3601).await;
    assert!(issuer.verify(&token(&RSA)).await.is_ok(), "served from the old set meanwhile");
    time::sleep(Duration::from_millis(200)).await;
    assert_eq!(server.hits(), 3, "renewed behind the request's back");
    assert_eq!(why(issuer.verify(&token(&RSA)).await), "the kid is none of the issuer's");
    assert!(issuer.verify(&token(&RSA_2)).await.is_ok());
}

/// An issuer by discovery at `server`, whose `iss` ends with `end`.
fn discovering(server: &Server, end: &str) -> super::Issuer {
    let (issuer, rest) = (format!("{}/realm{end}", server.url), "algorithms = [\"RS256\"]");
    let toml = format!(
        "[[auth.jwt]]\nissuer = \"{issuer}\"\naudience = \"voice\"\ndiscovery = true\n{rest}\n"
    );
    build(&tables(&toml)[0], &[]).unwrap()
}

#[tokio::test]
async fn discovery_finds_the_keys_of_the_very_issuer() {
    for end in ["", "/"] {
        let server = Server::with_keys(&[RSA.jwk(json!({}))]).await;
        let (iss, url) = (format!("{}/realm{end}", server.url), format!("{}/keys", server.url));
        let token = RSA.sign(&claims(json!({"iss": iss})));
        let path = "/realm/.well-known/openid-configuration";
        let good = json!({"issuer": iss, "jwks_uri": url});
        server.answer_at(path, body(good.to_string()));
        assert!(discovering(&server, end).verify(&token).await.is_ok());
        assert_eq!(server.hits(), 2);
        for wrong in [
            json!({"issuer": format!("{iss}/"), "jwks_uri": url}),
            json!({"issuer": iss.trim_end_matches('/').to_uppercase(), "jwks_uri": url}),
            json!({"jwks_uri": url}),
            json!({"issuer": iss}),
            json!({"issuer": [iss], "jwks_uri": url}),
            json!({"issuer": iss, "jwks_uri": "http://keys.example/jwks"}),
            json!({"issuer": iss, "jwks_uri": "file:///etc/passwd"}),
            json!({"issuer": iss, "jwks_uri": format!("{}/keys", server.url).replace("//", "//a:b@")}),
            json!([{"issuer": iss, "jwks_uri": url}]),
        ] {
            server.answer_at(path, body(wrong.to_string()));
            assert!(unavailable(discovering(&server, end).verify(&token).await), "{wrong}");
        }
        server.answer_at(path, Answer::Endless(true));
        assert!(unavailable(discovering(&server, end).verify(&token).await));
    }
}

#[test]
fn discovery_needs_an_issuer_that_is_a_safe_url() {
    for issuer in ["issuer", "http://issuer.example", "ftp://issuer.example", "https://x/?a=b"] {
        let toml = format!(
            "[[auth.jwt]]\nissuer = \"{issuer}\"\naudience = \"a\"\ndiscovery = true\n\
             algorithms = [\"RS256\"]\n"
        );
        let (key, message) = build(&tables(&toml)[0], &[]).unwrap_err();
        assert_eq!(key, "issuer", "{issuer}");
        assert!(message.contains("https"), "{message}");
    }
}
