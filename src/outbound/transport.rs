//! How a server is reached: whom we trust, who we are, which HTTP is spoken, and by way of whom.

use std::{fmt, path::Path, time::Duration};

use aws_lc_rs::digest;
use reqwest::{Certificate, Client, ClientBuilder, Identity, Proxy, redirect, retry};
use url::Url;

use super::{dns::NAMES, root_cause};
use crate::{
    secret::{self, Secret},
    settings::{self, ClientFiles, Http},
};

const USER_AGENT: &str = concat!("valetkey/", env!("CARGO_PKG_VERSION"));

/// Idle connections are dropped before any server is likely to drop them: a request sent into a
/// connection that is being closed fails.
const MAX_IDLE: Duration = Duration::from_secs(4);

/// The longest that connecting may take, with the name's lookup and TLS. Whoever takes longer will
/// not answer in time either.
const CONNECTING: Duration = Duration::from_secs(5);

/// What has no deadline of the settings takes no longer than this.
const DEADLINE: Duration = Duration::from_secs(10);

/// How often an HTTP/2 connection with requests in flight is tried, and how long that may take. One
/// that died unnoticed would take all requests, and never be idle.
const PING: Duration = Duration::from_secs(3);

/// A setting's key within its section, and what is wrong with it.
pub type Wrong = (&'static str, String);

/// A way to reach a server. Two are equal if they lead to the same connections: also what stands in
/// the files is compared.
#[derive(Clone, Default)]
pub struct Transport {
    roots: Vec<Certificate>,
    identity: Option<Identity>,
    http: Http,
    proxy: Option<Proxy>,
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
                identity,
                http: settings.http,
                proxy,
                fingerprint: sources.fingerprint(),
            }),
            (roots, identity, proxy) => {
                Err([roots.err(), identity.err(), proxy.err()].into_iter().flatten().collect())
            }
        }
    }

    /// A client for `to`, without the habits that give secrets away. A whole exchange may take as
    /// long as `deadline`, which is the caller's to keep; connecting must take a part of it only.
    ///
    /// # Errors
    /// When it cannot be made, for want of certificates; in words for the operator.
    pub fn client(&self, to: &Url, deadline: Duration) -> Result<Client, String> {
        let client = self.any_client(deadline);
        // To read the system's certificates takes longer than all else, and here nobody shows any.
        let client = if to.scheme() == "http" { client.tls_certs_only([]) } else { client };
        finish(client)
    }

    /// As [`Self::client`], for wherever it is used.
    pub(super) fn client_for_anywhere(&self) -> Result<Client, String> {
        finish(self.any_client(DEADLINE))
    }

    fn any_client(&self, deadline: Duration) -> ClientBuilder {
        let mut client = Client::builder()
            // A redirect would take a secret header along to another host.
            .redirect(redirect::Policy::none())
            // Only who counts them may try again.
            .retry(retry::never())
            // Who sets HTTPS_PROXY for something else must not get our traffic.
            .no_proxy()
            .dns_resolver(NAMES.clone())
            .connect_timeout(CONNECTING.min(deadline / 2))
            .pool_idle_timeout(MAX_IDLE)
            .http2_keep_alive_interval(PING)
            .http2_keep_alive_timeout(PING)
            .user_agent(USER_AGENT)
            .tls_certs_merge(self.roots.iter().cloned());
        if let Some(identity) = &self.identity {
            client = client.identity(identity.clone());
        }
        if let Some(proxy) = &self.proxy {
            client = client.proxy(proxy.clone());
        }
        match self.http {
            Http::Auto => client,
            Http::One => client.http1_only(),
            Http::Two => client.http2_prior_knowledge(),
        }
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

/// Reads the parts of a transport, and remembers what was read.
#[derive(Default)]
struct Sources(Vec<u8>);

impl Sources {
    fn hash(&mut self, part: &[u8]) {
        self.0.extend_from_slice(digest::digest(&digest::SHA256, part).as_ref());
    }

    fn fingerprint(&self) -> [u8; 32] {
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest::digest(&digest::SHA256, &self.0).as_ref());
        fingerprint
    }

    fn pem(&mut self, path: &Path) -> Result<Secret, String> {
        let pem = secret::read_pem(path).map_err(|error| error.to_string())?;
        self.hash(pem.expose().as_bytes());
        Ok(pem)
    }

    fn roots(&mut self, path: &Path) -> Result<Vec<Certificate>, Wrong> {
        let wrong = |why: String| ("ca", why);
        let pem = self.pem(path).map_err(wrong)?;
        only_certificates(&pem, path).map_err(wrong)?;
        let unusable = || wrong(format!("a certificate in {} cannot be read", path.display()));
        let roots = Certificate::from_pem_bundle(pem.expose().as_bytes());
        let roots = roots.map_err(|_| unusable())?;
        build(Client::builder().tls_certs_only(roots.clone())).map_err(|_| unusable())?;
        Ok(roots)
    }

    fn identity(&mut self, files: &ClientFiles) -> Result<Identity, Wrong> {
        let (cert, key) = (self.pem(&files.cert), self.pem(&files.key));
        let cert = cert.map_err(|why| ("client_cert", why))?;
        let key = key.map_err(|why| ("client_key", why))?;
        only_certificates(&cert, &files.cert).map_err(|why| ("client_cert", why))?;
        only_a_key(&key, &files.key).map_err(|why| ("client_key", why))?;
        let both = Secret::new(format!("{}\n{}", cert.expose(), key.expose()));
        let identity = Identity::from_pem(both.expose().as_bytes());
        let unusable = || {
            let (cert, key) = (files.cert.display(), files.key.display());
            ("client_key", format!("{key} cannot be read, or is not the key of {cert}"))
        };
        let identity = identity.map_err(|_| unusable())?;
        // Of an empty set of roots, since all that is to be seen is whether the two fit.
        let trial = Client::builder().tls_certs_only([]).identity(identity.clone());
        build(trial).map_err(|_| unusable())?;
        Ok(identity)
    }

    fn proxy(
        &mut self,
        proxy: &settings::Proxy,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Proxy>, Wrong> {
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
        let proxy = Proxy::all(url);
        proxy.map(Some).map_err(|_| wrong("cannot be used as a proxy".to_owned()))
    }
}

fn finish(client: ClientBuilder) -> Result<Client, String> {
    build(client).map_err(|why| format!("the HTTP client cannot be made: {why}"))
}

fn build(client: ClientBuilder) -> Result<Client, String> {
    client.build().map_err(|error| root_cause(&error))
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
