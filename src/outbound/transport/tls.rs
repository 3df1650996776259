//! Whom we trust, and who we are.

use std::sync::Arc;

use rustls_platform_verifier::Verifier;
use tokio_rustls::rustls::{
    ClientConfig, ConfigBuilder, Error, RootCertStore, WantsVerifier,
    client::{Resumption, WantsClientCert},
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use crate::base::secret::Secret;

/// How many sessions are remembered, to be taken up again. There is one server, and maybe a proxy, and
/// each gives a few.
const SESSIONS: usize = 16;

/// Cannot be used; the words of the libraries are of no use to an operator.
pub(super) struct Unusable;

/// What we show who wants to know us.
pub(super) struct Identity {
    /// The certificate, and those between it and its root.
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    pub(super) fn new(chain: &Secret, key: &Secret) -> Result<Self, Unusable> {
        let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes());
        let (chain, key) = (pem(chain)?, key.map_err(|_| Unusable)?);
        let identity = Self { chain, key };
        // Of an empty set of roots, since all that is to be seen is whether the two fit.
        let trial = builder().map(|it| it.with_root_certificates(RootCertStore::empty()));
        trial.and_then(|trial| finish(trial, Some(&identity))).map_err(|_| Unusable)?;
        Ok(identity)
    }
}

/// The certificates in `text`, all of which can be trusted.
pub(super) fn certificates(text: &Secret) -> Result<Vec<CertificateDer<'static>>, Unusable> {
    let certificates = pem(text)?;
    let mut trial = RootCertStore::empty();
    for certificate in &certificates {
        trial.add(certificate.clone()).map_err(|_| Unusable)?;
    }
    Ok(certificates)
}

fn pem(text: &Secret) -> Result<Vec<CertificateDer<'static>>, Unusable> {
    let found = CertificateDer::pem_slice_iter(text.expose().as_bytes());
    found.collect::<Result<_, _>>().map_err(|_| Unusable)
}

/// For servers that the system's roots vouch for, or `roots`.
pub(super) fn config(
    roots: &[CertificateDer<'static>],
    identity: Option<&Identity>,
) -> Result<ClientConfig, String> {
    let config = builder().and_then(|builder| {
        let provider = builder.crypto_provider().clone();
        let verifier = Verifier::new_with_extra_roots(roots.iter().cloned(), provider)?;
        let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        finish(builder, identity)
    });
    config.map_err(|error| error.to_string())
}

/// For servers that speak no TLS.
pub(super) fn trusting_nobody() -> Result<ClientConfig, String> {
    let config = builder().map(|builder| {
        builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
    });
    config.map_err(|error| error.to_string())
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}

fn finish(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    identity: Option<&Identity>,
) -> Result<ClientConfig, Error> {
    let mut config = match identity {
        Some(Identity { chain, key }) => {
            builder.with_client_auth_cert(chain.clone(), key.clone_key())?
        }
        None => builder.with_no_client_auth(),
    };
    config.resumption = Resumption::in_memory_sessions(SESSIONS);
    Ok(config)
}
