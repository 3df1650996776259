//! Keys that stand in the settings, or in a file that they name. Messages never repeat what was
//! found there: it may be a private key in the wrong place.

use std::{fs::File, io::Read as _};

use super::key::Key;
use crate::{
    base::secret::SecretRef,
    settings::{Algorithm, PublicKey},
};

/// The shortest secret, in bytes: the output of SHA-256 (RFC 7518, section 3.2). A shorter one can
/// be guessed by anyone who has seen one token.
const MIN_SECRET: usize = 32;

/// The longest PEM file that is read, in bytes. A key of 8192 bits has 1.5 KiB.
const MAX_PEM: u64 = 64 * 1024;

const WANTED: &str = "expected one PEM block, from -----BEGIN PUBLIC KEY----- to \
                      -----END PUBLIC KEY-----";

/// The key that `reference` leads to.
pub(super) fn secret(
    reference: &SecretRef,
    env: &dyn Fn(&str) -> Option<String>,
    algorithms: &[Algorithm],
) -> Result<Key, String> {
    let secret = reference.resolve(env).map_err(|error| error.to_string())?;
    let secret = secret.ok_or_else(|| {
        format!("{reference} leads to nothing: set it to the secret that the issuer signs with")
    })?;
    if secret.expose().len() < MIN_SECRET {
        return Err(format!(
            "the secret in {reference} has fewer than {MIN_SECRET} bytes and could be guessed: \
             make a new one, such as with openssl rand -hex 32, and give it to the issuer as well"
        ));
    }
    Ok(Key::secret(&secret, algorithms))
}

/// The public key that the settings hold or name.
pub(super) fn public(key: &PublicKey, algorithms: &[Algorithm]) -> Result<Key, String> {
    let pem = match key {
        PublicKey::Inline(pem) => pem.clone(),
        PublicKey::File(path) => {
            let mut pem = String::new();
            File::open(path)
                .and_then(|file| file.take(MAX_PEM).read_to_string(&mut pem))
                .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
            pem
        }
    };
    only_a_public_key(&pem)?;
    let names = algorithms.iter().map(|it| it.name()).collect::<Vec<_>>().join(", ");
    Key::pem(&pem, algorithms).ok_or_else(|| {
        format!(
            "is no public key that can be used with {names}: RS and PS need an RSA key of 2048 \
             bits or more, ES256 one on P-256, ES384 one on P-384, EdDSA an Ed25519 key"
        )
    })
}

/// `jsonwebtoken` would take a certificate for the key in it, expired or not, and ignore what comes
/// after the first block.
fn only_a_public_key(pem: &str) -> Result<(), String> {
    if pem.contains("PRIVATE KEY-----") {
        return Err("is a private key, which only the issuer may have. Treat it as leaked: make \
                    a new pair, and put the public key here (openssl pkey -pubout)"
            .to_owned());
    }
    if pem.contains("CERTIFICATE-----") {
        return Err("is a certificate; put the public key in it here \
                    (openssl x509 -pubkey -noout)"
            .to_owned());
    }
    let labels: Vec<&str> =
        pem.lines().map(str::trim).filter(|it| it.starts_with("-----BEGIN ")).collect();
    match labels[..] {
        ["-----BEGIN PUBLIC KEY-----" | "-----BEGIN RSA PUBLIC KEY-----"] => Ok(()),
        _ => Err(WANTED.to_owned()),
    }
}
