//! Tokens that are wrong in one respect each.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::{
    super::claimed_issuer,
    ISSUER, NOW, claims, issuer, part,
    signer::{EC, EC_2, ED, RSA, RSA_2, Signer},
    trusting, why,
};

#[tokio::test]
async fn a_token_that_is_right_says_who_it_is_of() {
    for signer in [&*RSA, &RSA.with(Algorithm::PS256), &*EC, &Signer::p384("ec-3"), &*ED] {
        let issuer = trusting(signer);
        assert_eq!(issuer.name(), ISSUER);
        let token = signer.sign(&claims(json!({"scope": "voice"})));
        let identity = issuer.verify(&token).await.unwrap();
        assert_eq!(identity.caller, "alice", "{}", signer.name());
        assert!(identity.claims.has("scope", &["voice".to_owned()]));
        assert_eq!(claimed_issuer(&token).as_deref(), Some(ISSUER));
    }
}

#[tokio::test]
async fn jwt_none_is_refused_however_it_is_spelt() {
    let issuer = trusting(&RSA);
    let good = RSA.sign(&claims(json!({})));
    let (message, signature) = good.rsplit_once('.').unwrap();
    let payload = message.split_once('.').unwrap().1;
    for alg in
        [json!("none"), json!("None"), json!("NONE"), json!(""), json!(null), json!(["RS256"])]
    {
        let header = part(json!({"alg": alg, "kid": "rsa-1"}).to_string());
        for signature in ["", signature] {
            let token = format!("{header}.{payload}.{signature}");
            assert_eq!(why(issuer.verify(&token).await), "the algorithm is none of ours", "{alg}");
        }
    }
    let header = part(r#"{"typ":"JWT"}"#);
    assert!(issuer.verify(&format!("{header}.{payload}.{signature}")).await.is_err());
    assert_eq!(why(issuer.verify(&format!("{message}.")).await), "the signature is wrong");
}

#[tokio::test]
async fn jwt_rs_to_hs_confusion_is_refused() {
    // The public key, which everyone has, as the secret of an HMAC.
    for signer in [&*RSA, &*EC, &*ED] {
        let issuer = trusting(signer);
        for secret in [signer.pem.as_bytes(), signer.pem.trim_end().as_bytes()] {
            let token = Signer::hmac(secret).sign(&claims(json!({})));
            assert_eq!(why(issuer.verify(&token).await), "the algorithm is not the issuer's");
        }
    }
}

#[tokio::test]
async fn jwt_of_an_algorithm_that_is_not_configured_is_refused() {
    let issuer = trusting(&RSA);
    for other in [&RSA.with(Algorithm::PS256), &*EC, &*ED] {
        let token = other.sign(&claims(json!({})));
        assert_eq!(why(issuer.verify(&token).await), "the algorithm is not the issuer's");
    }
}

#[tokio::test]
async fn jwt_of_another_key_is_refused() {
    for (key, other) in [(&*RSA, &*RSA_2), (&*EC, &*EC_2)] {
        let token = other.sign_with(json!({"kid": key.kid}), &claims(json!({})));
        assert_eq!(why(trusting(key).verify(&token).await), "the signature is wrong");
    }
}

/// Each of `changes` to good claims must be refused for a reason that has `reason` in it.
async fn refused(reason: &str, changes: &[Value]) {
    let issuer = trusting(&EC);
    for change in changes {
        let token = EC.sign(&claims(change.clone()));
        let why = why(issuer.verify(&token).await);
        assert!(why.contains(reason), "{change}: {why}");
    }
}

#[tokio::test]
async fn jwt_missing_aud_iss_exp_or_sub_is_refused() {
    let token = EC.sign_raw(&EC.header().to_string(), "{}");
    assert!(trusting(&EC).verify(&token).await.is_err());
    refused("audience is missing", &[json!({"aud": null})]).await;
    refused("iss is missing", &[json!({"iss": null})]).await;
    refused("exp is missing", &[json!({"exp": null})]).await;
    refused("caller claim is missing", &[json!({"sub": null})]).await;
}

#[tokio::test]
async fn jwt_of_another_issuer_or_for_another_audience_is_refused() {
    for iss in ["https://issuer.example", "https://issuer.example//", "https://ISSUER.example/"] {
        refused("iss is missing or another's", &[json!({"iss": iss})]).await;
    }
    for aud in [json!("other"), json!("voice "), json!("voic"), json!("a voice"), json!("Voice")] {
        refused("audience is missing or", &[json!({"aud": aud})]).await;
    }
    refused("audience is missing or", &[json!({"aud": []}), json!({"aud": ["a", "b"]})]).await;
    let token = EC.sign(&claims(json!({"aud": ["other", "voice"]})));
    assert!(trusting(&EC).verify(&token).await.is_ok());
}

#[tokio::test]
async fn jwt_nbf_or_iat_ahead_is_refused() {
    refused("from the future", &[json!({"nbf": NOW + 6}), json!({"iat": NOW + 6})]).await;
    let token = EC.sign(&claims(json!({"nbf": NOW + 5, "iat": NOW + 5})));
    assert!(trusting(&EC).verify(&token).await.is_ok(), "within the leeway");
}

#[tokio::test]
async fn jwt_that_has_expired_is_refused() {
    for exp in [json!(NOW - 5), json!(NOW - 60), json!(0), json!(1.5)] {
        refused("has expired", &[json!({"exp": exp})]).await;
    }
    for exp in [json!(NOW - 4), json!(NOW), json!(NOW as f64 + 0.5)] {
        let token = EC.sign(&claims(json!({"exp": exp})));
        assert!(trusting(&EC).verify(&token).await.is_ok(), "within the leeway: {exp}");
    }
}

#[tokio::test]
async fn jwt_wrong_types_are_refused_and_never_coerced() {
    for name in ["exp", "nbf", "iat"] {
        let text = (NOW + 300).to_string();
        let milliseconds = (NOW + 300) * 1000;
        for time in
            [json!(text), json!([NOW]), json!({}), json!(true), json!(-1), json!(milliseconds)]
        {
            refused("no time in seconds", &[json!({name: time})]).await;
        }
    }
    let names = ["iss", "sub", "jti"];
    for value in [json!([ISSUER]), json!({"a": 1}), json!(7), json!(false)] {
        for name in names {
            refused("wrong type", &[json!({name: value})]).await;
        }
    }
    for aud in [json!({"voice": true}), json!(7), json!(["voice", 7]), json!([["voice"]])] {
        refused("wrong type", &[json!({"aud": aud})]).await;
    }
    // null is no absence.
    for name in ["exp", "nbf", "iat", "iss", "aud", "sub"] {
        let mut claims = claims(json!({}));
        claims[name] = Value::Null;
        assert!(trusting(&EC).verify(&EC.sign(&claims)).await.is_err(), "{name}");
    }
}

#[tokio::test]
async fn jwt_that_says_a_thing_twice_is_refused() {
    let issuer = trusting(&EC);
    let (header, good) = (EC.header().to_string(), claims(json!({})).to_string());
    let twice = |text: &str, more: &str| format!("{},{more}}}", text.strip_suffix('}').unwrap());
    for more in [r#""aud":"voice""#, r#""sub":"mallory""#, r#""\u0073ub":"mallory""#] {
        let token = EC.sign_raw(&header, &twice(&good, more));
        assert_eq!(why(issuer.verify(&token).await), "the claims are not a JSON object");
        assert_eq!(claimed_issuer(&token), None);
    }
    let token = EC.sign_raw(&header, &twice(&good, r#""a":{"b":1,"b":2}"#));
    assert!(issuer.verify(&token).await.is_err(), "within a claim");
    let token = EC.sign_raw(&twice(&header, r#""alg":"ES256""#), &good);
    assert_eq!(why(issuer.verify(&token).await), "the header is not a JSON object");
}

#[tokio::test]
async fn jwt_whose_caller_cannot_be_an_id_is_refused() {
    for sub in ["", "a\nb", "a\u{0}", "\u{85}", &"x".repeat(257)] {
        refused("caller claim", &[json!({"sub": sub})]).await;
    }
    let token = EC.sign(&claims(json!({"sub": "é".repeat(128)})));
    assert!(trusting(&EC).verify(&token).await.is_ok());
}

#[tokio::test]
async fn jwt_id_token_for_an_access_token_is_refused() {
    let pem = &EC.pem;
    let with = |line: &str| {
        issuer(&format!("public_key = \"\"\"{pem}\"\"\"\nalgorithms = [\"ES256\"]\n{line}"))
    };
    let by_typ = with("typ = \"AT+JWT\"");
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
        let token = EC.sign_with(json!({"typ": typ}), &claims(json!({})));
        assert!(by_typ.verify(&token).await.is_ok(), "{typ}");
    }
    for typ in [json!("JWT"), json!("id+jwt"), json!("application/x/at+jwt"), Value::Null] {
        let token = EC.sign_with(json!({"typ": typ}), &claims(json!({})));
        assert_eq!(why(by_typ.verify(&token).await), "the typ is missing or another", "{typ}");
    }
    let by_other_typ = with("typ = \"x/at+jwt\"");
    for (typ, good) in [("X/at+jwt", true), ("application/x/at+jwt", false), ("at+jwt", false)] {
        let token = EC.sign_with(json!({"typ": typ}), &claims(json!({})));
        assert_eq!(by_other_typ.verify(&token).await.is_ok(), good, "{typ}");
    }
    let token = EC.sign_with(json!({"typ": ["at+jwt"]}), &claims(json!({})));
    assert_eq!(why(by_typ.verify(&token).await), "typ or kid is not text");

    let by_claim =
        with("require = { token_use = \"access\", \"realm_access.roles\" = [\"a\", \"b\"] }");
    let access = json!({"token_use": "access", "realm_access": {"roles": ["x", "b"]}});
    assert!(by_claim.verify(&EC.sign(&claims(access))).await.is_ok());
    for claim in [json!({}), json!({"token_use": "access"}), json!({"token_use": "id"})] {
        let token = EC.sign(&claims(claim));
        assert!(why(by_claim.verify(&token).await).starts_with("a required claim"));
    }
}
