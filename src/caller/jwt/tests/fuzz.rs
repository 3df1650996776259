//! Texts that nobody thought of.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;

use super::{
    super::{Identity, Issuer, Rejected, claimed_issuer},
    claims, part,
    signer::{EC, ED, RSA, Signer},
    trusting,
};

static ISSUERS: LazyLock<Vec<(&'static Signer, Issuer, String)>> = LazyLock::new(|| {
    let signers: [&'static Signer; 3] = [&RSA, &EC, &ED];
    let with_token = |signer: &'static Signer| {
        (signer, trusting(signer), signer.sign(&claims(json!({"scope": "a b", "n": [1, {}]}))))
    };
    signers.map(with_token).into()
});

/// Nothing in here waits: with a fixed key there is nothing to fetch.
fn verify(issuer: &Issuer, token: &str) -> Result<Identity, Rejected> {
    use futures_util::FutureExt as _;
    issuer.verify(token).now_or_never().unwrap()
}

#[test]
fn no_token_with_a_bit_flipped_verifies() {
    for (_, issuer, token) in ISSUERS.iter() {
        assert!(verify(issuer, token).is_ok());
        for place in 0..token.len() * 8 {
            let mut bytes = token.clone().into_bytes();
            bytes[place / 8] ^= 1 << (place % 8);
            if let Ok(mutant) = String::from_utf8(bytes) {
                let _ = claimed_issuer(&mutant);
                assert!(verify(issuer, &mutant).is_err(), "bit {place}");
            }
        }
    }
}

#[test]
fn no_shortened_or_rearranged_token_verifies() {
    for (_, issuer, token) in ISSUERS.iter() {
        for end in 0..token.len() {
            assert!(verify(issuer, &token[..end]).is_err());
            assert!(verify(issuer, &token[end + 1..]).is_err());
        }
        for (_, _, other) in ISSUERS.iter().filter(|(_, _, other)| other != token) {
            let (message, _) = token.rsplit_once('.').unwrap();
            let (_, signature) = other.rsplit_once('.').unwrap();
            assert!(verify(issuer, &format!("{message}.{signature}")).is_err());
            assert!(verify(issuer, other).is_err());
        }
    }
}

/// JSON of every shape.
fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|it| it.to_string()),
        any::<f64>().prop_map(|it| json!(it).to_string()),
        any::<u64>().prop_map(|it| it.to_string()),
        any::<String>().prop_map(|it| json!(it).to_string()),
    ];
    let names = ["iss", "aud", "sub", "exp", "nbf", "iat", "jti", "alg", "kid", "typ", "crit"];
    let key =
        prop_oneof![prop::sample::select(names.to_vec()).prop_map(str::to_owned), any::<String>()];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        let field =
            (key.clone(), inner.clone()).prop_map(|(key, value)| format!("{}:{value}", json!(key)));
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(|it| format!("[{}]", it.join(","))),
            prop::collection::vec(field, 0..6).prop_map(|it| format!("{{{}}}", it.join(","))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), parts in "[A-Za-z0-9_.-]{0,200}") {
        for (_, issuer, _) in ISSUERS.iter() {
            for token in [&text, &parts] {
                let _ = claimed_issuer(token);
                prop_assert!(verify(issuer, token).is_err());
            }
        }
    }

    #[test]
    fn no_json_makes_it_panic(header in any_json(), claims in any_json(), signature: Vec<u8>) {
        for (_, issuer, _) in ISSUERS.iter() {
            let token = format!("{}.{}.{}", part(&header), part(&claims), part(&signature));
            let _ = claimed_issuer(&token);
            prop_assert!(verify(issuer, &token).is_err());
        }
    }

    /// Signed, so that the claims are looked at.
    #[test]
    fn no_signed_json_makes_it_panic(header in any_json(), text in any_json()) {
        for (signer, issuer, _) in ISSUERS.iter().skip(1) {
            let good = claims(json!({})).to_string();
            prop_assert!(verify(issuer, &signer.sign_raw(&header, &good)).is_err());
            let _ = verify(issuer, &signer.sign_raw(&signer.header().to_string(), &text));
        }
    }

    #[test]
    fn no_token_with_bytes_replaced_verifies(
        which in 0..3_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..128), 1..5),
    ) {
        let (_, issuer, token) = &ISSUERS[which];
        let mut bytes = token.clone().into_bytes();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let mutant = String::from_utf8(bytes).unwrap();
        prop_assert!(mutant == *token || verify(issuer, &mutant).is_err());
    }
}
