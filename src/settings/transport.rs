//! How a provider is reached: a part of `[providers.<name>]`.

use std::path::PathBuf;

use config::Value;
use url::Url;

use super::{section::Section, value::FromSetting, words::words};
use crate::base::secret::SecretRef;

/// How a provider is reached.
#[derive(Clone, Debug, Default)]
pub struct Transport {
    /// Where certificates are, in PEM, that are trusted besides the system's.
    pub ca: Option<PathBuf>,
    /// What we show who wants to know us.
    pub client: Option<ClientFiles>,
    /// The version of HTTP.
    pub http: Http,
    /// The forward proxy.
    pub proxy: Proxy,
}

/// Where a client certificate is, in PEM.
#[derive(Clone, Debug)]
pub struct ClientFiles {
    /// The certificate, and those between it and its root.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

words! {
    /// The version of HTTP that is spoken.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum Http {
        /// What the server prefers.
        #[default]
        Auto = "auto",
        /// HTTP/1.1.
        One = "1",
        /// HTTP/2.
        Two = "2",
    }
}

/// The forward proxy that a provider is reached through.
#[derive(Clone, Debug, Default)]
pub enum Proxy {
    /// None.
    #[default]
    Off,
    /// An HTTP proxy at this URL.
    Url(Url),
    /// One at a URL that holds a password.
    Secret(SecretRef),
}

impl Transport {
    /// Its references, each with its key in the section.
    pub(super) fn references(&self) -> Vec<(&'static str, SecretRef)> {
        let file = |key, path: &PathBuf| (key, SecretRef::File(path.clone()));
        let mut found: Vec<_> = self.ca.iter().map(|path| file("ca", path)).collect();
        if let Some(ClientFiles { cert, key }) = &self.client {
            found.extend([file("client_cert", cert), file("client_key", key)]);
        }
        if let Proxy::Secret(reference) = &self.proxy {
            found.push(("proxy", reference.clone()));
        }
        found
    }

    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let path = |it: Option<PemFile>| it.map(|it| it.0);
        let ca = path(section.optional("ca"));
        let cert = path(section.optional("client_cert"));
        let key = path(section.optional("client_key"));
        for (one, other) in [("client_cert", "client_key"), ("client_key", "client_cert")] {
            if section.has(one) && !section.has(other) {
                section.problem(one, format!("is of no use without {other}"));
            }
        }
        let client = cert.zip(key).map(|(cert, key)| ClientFiles { cert, key });
        let http = section.optional("http").unwrap_or_default();
        let proxy = section.optional("proxy").unwrap_or_default();
        Self { ca, client, http, proxy }
    }
}

/// A file's place; a slash is needed so that a key pasted here is not taken for one.
struct PemFile(PathBuf);

impl FromSetting for PemFile {
    fn from_setting(value: &Value) -> Result<Self, String> {
        match String::from_setting(value).unwrap_or_default().parse() {
            Ok(SecretRef::File(path)) => Ok(Self(path)),
            _ => Err("expected a file in PEM, such as \"file:/etc/valetkey/ca.pem\"".to_owned()),
        }
    }
}

impl FromSetting for Proxy {
    /// Errors do not repeat the text: there may be a password in it.
    fn from_setting(value: &Value) -> Result<Self, String> {
        let expected = "expected \"off\", a URL such as \"http://proxy:3128\", or a reference to \
                        one that holds a password: \"env:PROXY_URL\"";
        let text = String::from_setting(value).map_err(|_| expected.to_owned())?;
        if text == "off" {
            return Ok(Self::Off);
        }
        if let Ok(reference) = text.parse() {
            return Ok(Self::Secret(reference));
        }
        match proxy_url(&text) {
            Some(url) if !url.username().is_empty() || url.password().is_some() => {
                Err("holds a password; set the URL in the environment, and refer to it: \
                     \"env:PROXY_URL\""
                    .to_owned())
            }
            Some(url) => Ok(Self::Url(url)),
            None => Err(expected.to_owned()),
        }
    }
}

/// The URL of a proxy, if it is one.
pub(crate) fn proxy_url(text: &str) -> Option<Url> {
    let is_proxy = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
    };
    Url::parse(text).ok().filter(is_proxy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: FromSetting>(text: &str) -> Result<T, String> {
        T::from_setting(&Value::new(None, text))
    }

    #[test]
    fn a_proxy_is_a_url_or_a_reference_to_one() {
        assert!(matches!(read("off"), Ok(Proxy::Off)));
        assert!(matches!(read("http://proxy:3128"), Ok(Proxy::Url(_))));
        assert!(matches!(read("https://proxy.example/"), Ok(Proxy::Url(_))));
        assert!(matches!(read("env:PROXY_URL"), Ok(Proxy::Secret(_))));
        for odd in
            ["", "on", "proxy:3128", "socks5://proxy", "http://", "http://proxy/x", "http://p?x"]
        {
            assert!(read::<Proxy>(odd).is_err(), "{odd} was taken");
        }
        for pasted in ["http://user:canary@proxy:3128", "http://canary@proxy", "canary"] {
            assert!(!read::<Proxy>(pasted).unwrap_err().contains("canary"));
        }
    }

    #[test]
    fn a_key_in_place_of_its_file_is_not_repeated() {
        for pasted in ["-----BEGIN PRIVATE KEY-----canary", "file:canary", "env:CANARY"] {
            let error = read::<PemFile>(pasted).err().unwrap().to_lowercase();
            assert!(!error.contains("canary"), "{error}");
        }
        assert!(read::<PemFile>("file:/etc/ca.pem").is_ok());
    }

    #[test]
    fn a_version_of_http_may_be_a_number() {
        assert_eq!(
            (read("auto"), read("1"), read("2")),
            (Ok(Http::Auto), Ok(Http::One), Ok(Http::Two))
        );
        assert_eq!(Http::from_setting(&Value::new(None, 2_i64)), Ok(Http::Two));
        assert!(read::<Http>("3").is_err());
    }
}
