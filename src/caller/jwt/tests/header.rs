//! Headers that would have us do something, and tokens that are no JWT.

use serde_json::json;

use super::{
    super::claimed_issuer,
    claims, fetching,
    server::Server,
    signer::{RSA, RSA_2},
    trusting, why,
};

#[tokio::test]
async fn jwt_kid_with_a_path_a_url_1_mib_or_control_bytes_is_refused_without_a_call() {
    let server = Server::with_keys(&[RSA.jwk(json!({}))]).await;
    let issuer = fetching(&server, "[\"RS256\"]");
    assert!(issuer.verify(&RSA.sign(&claims(json!({})))).await.is_ok());
    assert_eq!(server.hits(), 1);
    let long = "k".repeat(129);
    for kid in ["", "a b", "rsa-1\n", "rsa-1\u{0}", "\u{7f}", "schlüssel", &long] {
        let token = RSA.sign_with(json!({"kid": kid}), &claims(json!({})));
        assert_eq!(why(issuer.verify(&token).await), "the kid is not short visible ASCII");
    }
    let token = RSA.sign_with(json!({"kid": "k".repeat(1 << 20)}), &claims(json!({})));
    assert_eq!(why(issuer.verify(&token).await), "the token is longer than 8 KiB");
    for kid in [json!(1), json!(["rsa-1"]), json!({"kid": "rsa-1"})] {
        let token = RSA.sign_with(json!({"kid": kid}), &claims(json!({})));
        assert_eq!(why(issuer.verify(&token).await), "typ or kid is not text");
    }
    assert_eq!(server.hits(), 1);
    // These are names like any other, and nobody's.
    let url = format!("{}/mine.json", server.url);
    for kid in
        ["../../etc/passwd", "/dev/null", "RSA-1", "' OR 1=1", &url].map(|kid| kid.replace(' ', ""))
    {
        let token = RSA.sign_with(json!({"kid": kid}), &claims(json!({})));
        assert_eq!(why(issuer.verify(&token).await), "the kid is none of the issuer's");
    }
    assert_eq!(server.hits(), 2, "one renewal of the set, from where it always comes");
}

#[tokio::test]
async fn jwt_jku_x5u_jwk_are_ignored_and_nothing_is_fetched() {
    let theirs = Server::with_keys(&[RSA_2.jwk(json!({}))]).await;
    let ours = Server::with_keys(&[RSA.jwk(json!({}))]).await;
    let url = format!("{}/jwks.json", theirs.url);
    let pointers = [
        json!({"jku": url}),
        json!({"x5u": url}),
        json!({"jwk": RSA_2.jwk(json!({"kid": "rsa-1"}))}),
        json!({"x5c": ["MIIB"], "x5t": "x"}),
        json!({"jku": 7, "x5u": {}, "jwk": [], "x5c": null}),
    ];
    for issuer in [fetching(&ours, "[\"RS256\"]"), trusting(&RSA)] {
        for pointer in &pointers {
            let good = RSA.sign_with(pointer.clone(), &claims(json!({})));
            assert!(issuer.verify(&good).await.is_ok(), "{pointer}");
            let mut header = pointer.clone();
            header["kid"] = json!("rsa-1");
            let forged = RSA_2.sign_with(header, &claims(json!({})));
            assert_eq!(why(issuer.verify(&forged).await), "the signature is wrong", "{pointer}");
        }
    }
    assert_eq!((theirs.hits(), ours.hits()), (0, 1));
}

#[tokio::test]
async fn jwt_crit_is_refused_as_are_b64_zip_and_encrypted_tokens() {
    let issuer = trusting(&RSA);
    for header in [
        json!({"crit": ["exp"]}),
        json!({"crit": []}),
        json!({"crit": ["b64"], "b64": false}),
        json!({"b64": false}),
        json!({"b64": true}),
        json!({"zip": "DEF"}),
        json!({"enc": "A256GCM"}),
    ] {
        let token = RSA.sign_with(header, &claims(json!({})));
        assert_eq!(why(issuer.verify(&token).await), "the header has crit, b64, zip or enc");
    }
    let mut header = RSA.header();
    header["crit"] = json!(null);
    let token = RSA.sign_raw(&header.to_string(), &claims(json!({})).to_string());
    assert_eq!(why(issuer.verify(&token).await), "the header has crit, b64, zip or enc");
}

#[tokio::test]
async fn what_is_no_jwt_is_refused() {
    let issuer = trusting(&RSA);
    let good = RSA.sign(&claims(json!({})));
    let (header, rest) = good.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let five = format!("{header}.{payload}.{signature}.x.y");
    for token in ["", ".", "..", "...", "vk_abcdef", "a.b", "a.b.c.d", "\u{0}.\u{1}.ü", &five] {
        assert!(issuer.verify(token).await.is_err(), "{token}");
        assert_eq!(claimed_issuer(token), None, "{token}");
    }
    for token in [
        format!("{good}="),
        format!("{header}=.{payload}.{signature}"),
        format!(" {good}"),
        format!("{good} "),
        format!("{header}\n.{payload}.{signature}"),
        format!("{header}.{payload}.+{}", &signature[1..]),
        format!("{header}.{payload}.{}", &signature[..signature.len() - 4]),
        format!("{good}AAAA"),
    ] {
        assert!(issuer.verify(&token).await.is_err(), "{token}");
    }
}

#[tokio::test]
async fn a_header_or_claims_that_are_no_object_are_refused() {
    let issuer = trusting(&RSA);
    let (header, payload) = (RSA.header().to_string(), claims(json!({})).to_string());
    for text in ["null", "[]", "\"RS256\"", "1", "", "{", "[\"RS256\"]"] {
        assert!(issuer.verify(&RSA.sign_raw(text, &payload)).await.is_err(), "{text}");
        let token = RSA.sign_raw(&header, text);
        assert_eq!(why(issuer.verify(&token).await), "the claims are not a JSON object");
        assert_eq!(claimed_issuer(&token), None);
    }
    let nested = RSA.sign_raw(&header, &RSA.sign(&claims(json!({}))));
    assert!(issuer.verify(&nested).await.is_err(), "a token in a token");
}

#[tokio::test]
async fn the_longest_token_is_8_kib() {
    let issuer = trusting(&RSA);
    let with = |length: usize| RSA.sign(&claims(json!({"pad": "x".repeat(length)})));
    let room = 8192 - with(0).len();
    assert!(issuer.verify(&with(room / 4 * 3)).await.is_ok());
    let long = with(room / 4 * 3 + 9);
    assert!(long.len() > 8192);
    assert_eq!(why(issuer.verify(&long).await), "the token is longer than 8 KiB");
    assert_eq!(claimed_issuer(&long), None);
}
