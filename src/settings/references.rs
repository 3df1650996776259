//! What the settings refer to: the secrets and keys that are not in them.

use super::{KeySource, PublicKey, Settings, Store};
use crate::base::secret::SecretRef;

impl Settings {
    /// Every reference that is in use, with the key of its setting. A public key in a file is one, too.
    pub fn references(&self) -> Vec<(String, SecretRef)> {
        let mut found = Vec::new();
        for (name, provider) in &self.providers {
            let key = format!("providers.{name}.api_keys");
            found.extend(provider.api_keys.iter().map(|it| (key.clone(), it.clone())));
            let way = provider.transport.references();
            found.extend(way.into_iter().map(|(key, it)| (format!("providers.{name}.{key}"), it)));
        }
        for (place, jwt) in self.auth.jwt.iter().enumerate() {
            match &jwt.keys {
                KeySource::Secret(it) => {
                    found.push((format!("auth.jwt.{place}.secret"), it.clone()))
                }
                KeySource::Public(PublicKey::File(path)) => {
                    let key = format!("auth.jwt.{place}.public_key");
                    found.push((key, SecretRef::File(path.clone())));
                }
                KeySource::Public(PublicKey::Inline(_))
                | KeySource::Jwks(_)
                | KeySource::Discovery => (),
            }
        }
        if let Store::Secret(it) = &self.limits.store {
            found.push(("limits.store".to_owned(), it.clone()));
        }
        if self.needs_hash_key() {
            found.push(("identity.hash_key".to_owned(), self.hash_key.clone()));
        }
        found
    }

    /// Whether identities leave the process, hashed.
    pub fn needs_hash_key(&self) -> bool {
        !matches!(self.limits.store, Store::Memory)
    }
}
