//! Certificates for providers that speak TLS, and for us where they want to know who we are.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use tokio_rustls::rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};

/// A certificate and its key, in PEM.
pub struct Own {
    pub cert: String,
    pub key: String,
}

/// One that nobody vouches for.
pub fn self_signed(name: &str) -> Own {
    let key = KeyPair::generate().unwrap();
    let cert = params(name).self_signed(&key).unwrap();
    Own { cert: cert.pem(), key: key.serialize_pem() }
}

/// Someone who vouches for certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Self {
        Self::called("authority")
    }

    pub fn called(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its own certificate, in PEM.
    pub fn root(&self) -> String {
        self.0.pem()
    }

    pub fn vouch(&self, name: &str) -> Own {
        self.sign(params(name))
    }

    /// For one that was good until 2001.
    pub fn vouch_for_expired(&self, name: &str) -> Own {
        let mut params = params(name);
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Own {
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.0).unwrap();
        Own { cert: cert.pem(), key: key.serialize_pem() }
    }
}

fn params(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).unwrap()
}

/// What a server needs that shows `own`, and wants a client certificate of `clients`, if of anyone.
pub fn server(own: &Own, clients: Option<&Authority>) -> ServerConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.0.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let certs = CertificateDer::pem_slice_iter(own.cert.as_bytes()).map(Result::unwrap);
    let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
    builder.with_single_cert(certs.collect(), key).unwrap()
}

/// Writes `text` to the file `name` in `folder`, and gives its place.
pub fn put(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}
