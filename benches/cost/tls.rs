//! TLS 1.3 as a provider behind a CDN speaks it: a certificate, and a listener for each version of HTTP.

use std::{fs, path::Path, sync::Arc};

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
        version::TLS13,
    },
};

/// The name that the certificate is for.
pub const HOST: &str = "localhost";

/// The certificate in its folder; it is its own root.
pub const CERTIFICATE: &str = "certificate.pem";

const KEY: &str = "key.pem";

/// What is spoken over TLS. A listener offers one, so that the client takes it whatever it prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    Http1,
    Http2,
}

/// Writes a new certificate and its key into `folder`.
pub fn write_certificate(folder: &Path) {
    let own = rcgen::generate_simple_self_signed([HOST.to_owned()]).unwrap();
    fs::write(folder.join(CERTIFICATE), own.cert.pem()).unwrap();
    fs::write(folder.join(KEY), own.signing_key.serialize_pem()).unwrap();
}

/// One with the certificate in `folder`.
pub fn acceptor(folder: &Path, version: Version) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(folder.join(CERTIFICATE)).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join(KEY)).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_protocol_versions(&[&TLS13]).unwrap().with_no_client_auth();
    let mut config = config.with_single_cert(vec![certificate], key).unwrap();
    config.alpn_protocols = match version {
        Version::Http1 => vec![b"http/1.1".to_vec()],
        Version::Http2 => vec![b"h2".to_vec()],
    };
    TlsAcceptor::from(Arc::new(config))
}
