//! What a decision costs: who asks, from where, for what and how many, with a provider that answers
//! at once. Run: `cargo bench --bench access`. Look at the ratios: machines differ.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot go on should stop")]
#![allow(unreachable_pub, reason = "what benchmarks share is a module of each")]

#[path = "support/app.rs"]
mod app;

use std::{collections::BTreeMap, fmt::Write as _, hint::black_box};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderMap, HeaderValue, Method};
use valetkey::{
    app::App,
    caller::{Asking, sha256},
    token::MintRequest,
    vending::{Ask, admit, vend},
};

/// Two issuers with a key each, a thousand caller keys, two grants, an origin.
fn settings(rsa: &RsaKeyPair, ec: &EcdsaKeyPair) -> String {
    let mut text = String::from(
        "[audit]\nto = \"off\"\n[origins]\nallowed = [\"https://app.example\"]\n\
         [limits.address]\nrate = \"1000000/s\"\n[limits.caller]\nrate = \"1000000/s\"\nquota = \"off\"\n\
         [limits.token]\nrate = \"1000000/s\"\nquota = \"off\"\n\
         [[grants]]\nclaims = { scope = \"other\" }\n[[grants]]\ntokens = [\"xai_realtime\"]\n",
    );
    for (issuer, algorithm, pem) in [
        ("https://rsa.example", "RS256", rsa_pem(rsa)),
        ("https://ec.example", "ES256", ec_pem(ec)),
    ] {
        write!(
            text,
            "[[auth.jwt]]\nissuer = \"{issuer}\"\naudience = \"voice\"\nalgorithms = [\"{algorithm}\"]\n\
             public_key = '''\n{pem}'''\n"
        )
        .unwrap();
    }
    for n in 0..1000 {
        let hash: String =
            sha256(&format!("vk_{n}")).iter().map(|byte| format!("{byte:02x}")).collect();
        write!(text, "[[auth.keys]]\nid = \"key-{n}\"\nsha256 = \"{hash}\"\n").unwrap();
    }
    text
}

/// A public key as SubjectPublicKeyInfo (RFC 5280) in PEM.
fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
}

fn rsa_pem(key: &RsaKeyPair) -> String {
    use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
    let der: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    pem(der.as_ref())
}

fn ec_pem(key: &EcdsaKeyPair) -> String {
    use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
    let der: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    pem(der.as_ref())
}

/// A JWT of about the size that login services issue.
fn jwt(issuer: &str, algorithm: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let header = format!(r#"{{"alg":"{algorithm}","typ":"JWT","kid":"k1"}}"#);
    let claims = format!(
        r#"{{"iss":"{issuer}","sub":"auth0|5f7c8ec7c33c6c004bbafe82","aud":["voice","https://login.example/userinfo"],"iat":1899999900,"exp":1900000900,"azp":"my-client-id","scope":"openid profile email voice","https://app.example/roles":["user","pro"]}}"#
    );
    let message = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    let signature = URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

/// The whole decision, and the token.
async fn decide(app: &App, headers: &HeaderMap) {
    let live = app.live();
    let client = [192, 0, 2, 7].into();
    let asking = Asking {
        method: &Method::POST,
        path: "/session",
        headers,
        peer: client,
        peer_is_trusted: false,
        client,
    };
    let admission = admit(app, &live, &asking).await;
    let (caller, address) = (admission.admitted.unwrap(), admission.address);
    let (name, request) = ("xai_realtime".to_owned(), MintRequest::default());
    let origin = Some("https://app.example".to_owned());
    let ask = Ask { caller, origin, client, address, name, request };
    let mut record = app.audit().begin("id", "/session", client);
    black_box(vend(app, &live, &ask, &mut record).await.result.unwrap());
}

fn headers(credential: &str) -> HeaderMap {
    let headers = BTreeMap::from([
        ("authorization", format!("Bearer {credential}")),
        ("origin", "https://app.example".to_owned()),
        ("host", "voice.example".to_owned()),
        ("sec-fetch-site", "cross-site".to_owned()),
    ]);
    headers
        .into_iter()
        .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(&value).unwrap()))
        .collect()
}

fn decision(criterion: &mut Criterion) {
    let random = SystemRandom::new();
    let rsa = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let rs256 = jwt("https://rsa.example", "RS256", |message| {
        let mut signature = vec![0; rsa.public_modulus_len()];
        rsa.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
        signature
    });
    let es256 = jwt("https://ec.example", "ES256", |message| {
        ec.sign(&random, message).unwrap().as_ref().to_vec()
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let app = app::app(&settings(&rsa, &ec), None);
    let mut group = criterion.benchmark_group("decision");
    for (name, credential) in
        [("caller key", "vk_500"), ("JWT RS256", &rs256), ("JWT ES256", &es256)]
    {
        let headers = headers(credential);
        group.bench_function(name, |bencher| {
            bencher.iter(|| runtime.block_on(decide(&app, &headers)))
        });
    }
    group.finish();
}

criterion_group!(benches, decision);
criterion_main!(benches);
