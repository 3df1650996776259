//! Keys, and tokens signed with them, right or wrong.

use std::sync::LazyLock;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _,
    },
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, crypto, jwk::Jwk};
use serde_json::{Value, json};

/// Someone who signs.
pub(super) struct Signer {
    pub(super) kid: &'static str,
    pub(super) algorithm: Algorithm,
    key: EncodingKey,
    /// The public key.
    pub(super) pem: String,
    /// The private one.
    pub(super) private_pem: String,
}

// Making an RSA key takes long.
pub(super) static RSA: LazyLock<Signer> = LazyLock::new(|| Signer::rsa("rsa-1", KeySize::Rsa2048));
pub(super) static RSA_2: LazyLock<Signer> =
    LazyLock::new(|| Signer::rsa("rsa-2", KeySize::Rsa2048));
pub(super) static EC: LazyLock<Signer> = LazyLock::new(|| Signer::ec("ec-1"));
pub(super) static EC_2: LazyLock<Signer> = LazyLock::new(|| Signer::ec("ec-2"));
pub(super) static ED: LazyLock<Signer> = LazyLock::new(|| {
    let document = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let key = EncodingKey::from_ed_der(document.as_ref());
    Signer::new("ed-1", Algorithm::EdDSA, key, public.as_ref(), document.as_ref())
});

impl Signer {
    fn new(
        kid: &'static str,
        algorithm: Algorithm,
        key: EncodingKey,
        public: &[u8],
        private: &[u8],
    ) -> Self {
        let (pem, private_pem) = (pem("PUBLIC KEY", public), pem("PRIVATE KEY", private));
        Self { kid, algorithm, key, pem, private_pem }
    }

    pub(super) fn rsa(kid: &'static str, size: KeySize) -> Self {
        let pair = RsaKeyPair::generate(size).unwrap();
        let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let private_pem = pem("PRIVATE KEY", private.as_ref());
        let key = EncodingKey::from_rsa_pem(private_pem.as_bytes()).unwrap();
        Self::new(kid, Algorithm::RS256, key, public.as_ref(), private.as_ref())
    }

    fn ec(kid: &'static str) -> Self {
        Self::on_curve(kid, Algorithm::ES256, &ECDSA_P256_SHA256_FIXED_SIGNING)
    }

    pub(super) fn p384(kid: &'static str) -> Self {
        Self::on_curve(kid, Algorithm::ES384, &ECDSA_P384_SHA384_FIXED_SIGNING)
    }

    fn on_curve(
        kid: &'static str,
        algorithm: Algorithm,
        curve: &'static EcdsaSigningAlgorithm,
    ) -> Self {
        let pair = EcdsaKeyPair::generate(curve).unwrap();
        let private = pair.to_pkcs8v1().unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let key = EncodingKey::from_ec_der(private.as_ref());
        Self::new(kid, algorithm, key, public.as_ref(), private.as_ref())
    }

    /// Someone who shares `secret`.
    pub(super) fn hmac(secret: &[u8]) -> Self {
        let key = EncodingKey::from_secret(secret);
        Self::new("hs-1", Algorithm::HS256, key, &[], &[])
    }

    /// The same key, used with another algorithm.
    pub(super) fn with(&self, algorithm: Algorithm) -> Self {
        let (pem, private_pem) = (self.pem.clone(), self.private_pem.clone());
        Self { kid: self.kid, algorithm, key: self.key.clone(), pem, private_pem }
    }

    pub(super) fn name(&self) -> &'static str {
        match self.algorithm {
            Algorithm::HS256 => "HS256",
            Algorithm::RS256 => "RS256",
            Algorithm::PS256 => "PS256",
            Algorithm::ES256 => "ES256",
            Algorithm::ES384 => "ES384",
            Algorithm::EdDSA => "EdDSA",
            _ => panic!("give it a name here"),
        }
    }

    /// The public key as it stands in a set, with `changes`.
    pub(super) fn jwk(&self, changes: Value) -> Value {
        let mut jwk = match self.algorithm {
            // jsonwebtoken cannot do it: aws-lc-rs makes PKCS #8 of version 2, it reads version 1.
            Algorithm::EdDSA => {
                let body: String = self.pem.lines().filter(|it| !it.starts_with('-')).collect();
                let der = STANDARD.decode(body).unwrap();
                json!({"kty": "OKP", "crv": "Ed25519", "x": part(&der[der.len() - 32..])})
            }
            _ => json!(Jwk::from_encoding_key(&self.key, self.algorithm).unwrap()),
        };
        super::merge(&mut jwk, json!({"kid": self.kid, "use": "sig", "alg": self.name()}));
        super::merge(&mut jwk, changes);
        jwk
    }

    pub(super) fn header(&self) -> Value {
        json!({"alg": self.name(), "typ": "JWT", "kid": self.kid})
    }

    /// A token with these claims.
    pub(super) fn sign(&self, claims: &Value) -> String {
        self.sign_raw(&self.header().to_string(), &claims.to_string())
    }

    /// A token with a header that has `changes`.
    pub(super) fn sign_with(&self, changes: Value, claims: &Value) -> String {
        let mut header = self.header();
        super::merge(&mut header, changes);
        self.sign_raw(&header.to_string(), &claims.to_string())
    }

    /// A token of whatever these texts are.
    pub(super) fn sign_raw(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", part(header), part(claims));
        let signature = crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

/// A part of a token.
pub(super) fn part(text: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<&str> =
        body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
