//! Reads what a transport is made of, and says in words for the operator what is wrong with it.

use std::path::Path;

use aws_lc_rs::digest;
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::{
    Wrong,
    proxy::ForwardProxy,
    tls::{self, Identity},
};
use crate::{
    base::secret::{self, Secret},
    settings::{self, ClientFiles},
};

/// Reads the parts of a transport, and remembers what was read.
#[derive(Default)]
pub(super) struct Sources(Vec<u8>);

impl Sources {
    pub(super) fn hash(&mut self, part: &[u8]) {
        self.0.extend_from_slice(digest::digest(&digest::SHA256, part).as_ref());
    }

    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest::digest(&digest::SHA256, &self.0).as_ref());
        fingerprint
    }

    fn pem(&mut self, path: &Path) -> Result<Secret, String> {
        let pem = secret::read_pem(path).map_err(|error| error.to_string())?;
        self.hash(pem.expose().as_bytes());
        Ok(pem)
    }

    pub(super) fn roots(&mut self, path: &Path) -> Result<Vec<CertificateDer<'static>>, Wrong> {
        let wrong = |why: String| ("ca", why);
        let pem = self.pem(path).map_err(wrong)?;
        only_certificates(&pem, path).map_err(wrong)?;
        let unusable = || wrong(format!("a certificate in {} cannot be read", path.display()));
        tls::certificates(&pem).map_err(|_| unusable())
    }

    pub(super) fn identity(&mut self, files: &ClientFiles) -> Result<Identity, Wrong> {
        let (cert, key) = (self.pem(&files.cert), self.pem(&files.key));
        let cert = cert.map_err(|why| ("client_cert", why))?;
        let key = key.map_err(|why| ("client_key", why))?;
        only_certificates(&cert, &files.cert).map_err(|why| ("client_cert", why))?;
        only_a_key(&key, &files.key).map_err(|why| ("client_key", why))?;
        let unusable = || {
            let (cert, key) = (files.cert.display(), files.key.display());
            ("client_key", format!("{key} cannot be read, or is not the key of {cert}"))
        };
        Identity::new(&cert, &key).map_err(|_| unusable())
    }

    pub(super) fn proxy(
        &mut self,
        proxy: &settings::Proxy,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<ForwardProxy>, Wrong> {
        let wrong = |why: String| ("proxy", why);
        let url = match proxy {
            settings::Proxy::Off => return Ok(None),
            settings::Proxy::Url(url) => url.clone(),
            settings::Proxy::Secret(reference) => {
                let url = reference.resolve(env).map_err(|error| wrong(error.to_string()))?;
                let url = url.ok_or_else(|| {
                    wrong(format!("{reference} leads to nothing: set it, or proxy = \"off\""))
                })?;
                // The text is not repeated: there may be a password in it.
                settings::proxy_url(url.expose()).ok_or_else(|| {
                    wrong(format!(
                        "{reference} is no URL of a proxy, such as http://user:password@host:3128"
                    ))
                })?
            }
        };
        self.hash(url.as_str().as_bytes());
        let proxy = ForwardProxy::new(url);
        proxy.map(Some).ok_or_else(|| wrong("cannot be used as a proxy".to_owned()))
    }
}

fn only_certificates(pem: &Secret, path: &Path) -> Result<(), String> {
    let (pem, path) = (pem.expose(), path.display());
    if pem.contains("PRIVATE KEY-----") {
        return Err(format!("{path} holds a private key; only certificates belong in it"));
    }
    if !pem.contains("-----BEGIN CERTIFICATE-----") {
        return Err(format!(
            "{path} holds no certificate: expected PEM, from -----BEGIN CERTIFICATE----- to \
             -----END CERTIFICATE-----"
        ));
    }
    Ok(())
}

fn only_a_key(pem: &Secret, path: &Path) -> Result<(), String> {
    let (pem, path) = (pem.expose(), path.display());
    if pem.contains("ENCRYPTED") {
        return Err(format!(
            "{path} is encrypted, and nobody is there to type its password; decrypt it \
             (openssl pkey) into a file that only valetkey can read"
        ));
    }
    if pem.contains("CERTIFICATE-----") {
        return Err(format!("{path} holds a certificate; only the private key belongs in it"));
    }
    if pem.matches("PRIVATE KEY-----").count() != 2 {
        return Err(format!(
            "{path} holds no private key: expected one in PEM, from -----BEGIN PRIVATE KEY----- \
             to -----END PRIVATE KEY-----"
        ));
    }
    Ok(())
}
