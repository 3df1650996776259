//! How a server is reached: whom we trust, who we are, which HTTP is spoken, and through which proxy.

mod files;
mod proxy;
mod tls;

use std::{fmt, sync::Arc, time::Duration};

use tokio_rustls::rustls::{ClientConfig, pki_types::CertificateDer};
use url::Url;

use self::{files::Sources, proxy::ForwardProxy, tls::Identity};
use super::{
    client::{self, Client},
    error::root_cause,
    resolver::Resolver,
};
use crate::settings::{self, Http};

/// A setting's key within its section, and what is wrong with it.
pub type Wrong = (&'static str, String);

/// A way to reach a server. Two are equal if they lead to the same connections: also what stands in
/// the files is compared.
#[derive(Clone, Default)]
pub struct Transport {
    roots: Vec<CertificateDer<'static>>,
    identity: Option<Arc<Identity>>,
    http: Http,
    proxy: Option<ForwardProxy>,
    /// The hash of all that it was made from.
    fingerprint: [u8; 32],
}

impl Transport {
    /// Reads what `settings` refer to, and tries whether it can be used.
    ///
    /// # Errors
    /// With all that is wrong, in words for the operator.
    pub fn open(
        settings: &settings::Transport,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Vec<Wrong>> {
        let mut sources = Sources::default();
        let roots = settings.ca.as_deref().map(|path| sources.roots(path));
        let identity = settings.client.as_ref().map(|files| sources.identity(files));
        let proxy = sources.proxy(&settings.proxy, env);
        sources.hash(&[settings.http as u8]);
        match (roots.transpose(), identity.transpose(), proxy) {
            (Ok(roots), Ok(identity), Ok(proxy)) => Ok(Self {
                roots: roots.unwrap_or_default(),
                identity: identity.map(Arc::new),
                http: settings.http,
                proxy,
                fingerprint: sources.fingerprint(),
            }),
            (roots, identity, proxy) => {
                Err([roots.err(), identity.err(), proxy.err()].into_iter().flatten().collect())
            }
        }
    }

    /// A client for the server of `to`. A whole exchange may take as long as `deadline`, which is the
    /// caller's to keep; connecting takes half of it at most.
    ///
    /// # Errors
    /// When it cannot be made, for want of certificates; in words for the operator.
    pub fn client(&self, to: &Url, deadline: Duration) -> Result<Client, String> {
        self.client_with(Resolver::of, to, deadline)
    }

    /// As [`Self::client`], with a resolver of the caller's for the server or proxy to connect to.
    pub(super) fn client_with(
        &self,
        resolver: impl Fn(&Url) -> Resolver,
        to: &Url,
        deadline: Duration,
    ) -> Result<Client, String> {
        let unusable = |why| format!("the HTTP client cannot be made: {why}");
        let tls = match to.scheme() {
            // To read the system's certificates takes longer than all else, and here nobody shows any.
            "http" => tls::trusting_nobody(),
            _ => self.tls(),
        };
        let tls = tls.map_err(unusable)?;
        let proxy = self.proxy.clone();
        let resolver = resolver(proxy.as_ref().map_or(to, ForwardProxy::url));
        let (http, by_proxy, shared) = (self.http, proxy.is_some(), resolver.clone());
        let builder = move || {
            let builder = client::builder(resolver.clone(), deadline / 2);
            let mut builder = builder.tls_backend_preconfigured(tls.clone());
            if let Some(proxy) = &proxy {
                builder = builder.proxy(proxy.to_reqwest());
            }
            match http {
                Http::Auto => builder,
                Http::One => builder.http1_only(),
                Http::Two => builder.http2_prior_knowledge(),
            }
        };
        let client = Client::new(builder, shared, by_proxy);
        client.map_err(|error| unusable(root_cause(&error)))
    }

    fn tls(&self) -> Result<ClientConfig, String> {
        let versions: &[&str] = match self.http {
            Http::Auto => &["h2", "http/1.1"],
            Http::One => &["http/1.1"],
            Http::Two => &["h2"],
        };
        let mut config = tls::config(&self.roots, self.identity.as_deref())?;
        config.alpn_protocols =
            versions.iter().map(|version| version.as_bytes().to_vec()).collect();
        Ok(config)
    }
}

impl PartialEq for Transport {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl Eq for Transport {}

impl fmt::Debug for Transport {
    /// Without the proxy: there may be a password in its URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("http", &self.http).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};
    use settings::Transport as Settings;

    use super::*;

    #[test]
    fn what_stands_in_the_files_decides_what_is_equal() {
        let path = std::env::temp_dir().join(format!("valetkey-ca-{}", std::process::id()));
        let write = || {
            let params = CertificateParams::new([]).unwrap();
            let cert = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
            std::fs::write(&path, cert.pem()).unwrap();
        };
        let open = |settings: &Settings| Transport::open(settings, &|_| None).unwrap();
        let settings = Settings { ca: Some(path.clone()), ..Settings::default() };
        write();
        let before = open(&settings);
        assert_eq!(before, open(&settings));
        assert_ne!(before, open(&Settings::default()));
        assert_ne!(before, open(&Settings { http: Http::Two, ..settings.clone() }));
        let proxy = settings::Proxy::Url("http://proxy:3128".parse().unwrap());
        assert_ne!(before, open(&Settings { proxy, ..settings.clone() }));
        write();
        assert_ne!(before, open(&settings));
        std::fs::remove_file(path).unwrap();
    }
}
