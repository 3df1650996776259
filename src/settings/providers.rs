//! `[providers.<name>]`

use std::time::Duration;

use config::Value;
use url::{Host, Url};

use super::{
    section::Section,
    transport::{Proxy, Transport},
    value::{Deadline, FromSetting},
};
use crate::base::secret::SecretRef;

/// A provider instance: an account at a provider.
#[derive(Clone, Debug)]
pub struct Provider {
    /// What it speaks.
    pub kind: String,
    /// Where it is: `https`, or `http` on loopback.
    pub base_url: Url,
    /// Where its keys are; all that lead to one are used.
    pub api_keys: Vec<SecretRef>,
    /// The deadline of one mint.
    pub timeout: Duration,
    /// How it is reached.
    pub transport: Transport,
    /// Whether it is asked at all.
    pub enabled: bool,
}

impl Provider {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let kind = section.get("kind", String::new());
        let base_url = section.get("base_url", BaseUrl::placeholder()).0;
        let api_keys = section.get("api_keys", Vec::new());
        // An instance of the user's own need not repeat what is the same everywhere.
        let timeout =
            section.optional("timeout").map_or(Duration::from_secs(10), |it: Deadline| it.0);
        let transport = Transport::read(section);
        if base_url.scheme() == "http" && !matches!(transport.proxy, Proxy::Off) {
            section.problem(
                "proxy",
                "would see the API key in the clear; it needs a base_url with https",
            );
        }
        let enabled = section.optional("enabled").unwrap_or(true);
        Self { kind, base_url, api_keys, timeout, transport, enabled }
    }
}

struct BaseUrl(Url);

impl BaseUrl {
    fn placeholder() -> Self {
        #[expect(clippy::unwrap_used, reason = "a constant")]
        Self(Url::parse("https://provider.invalid").unwrap())
    }
}

impl FromSetting for BaseUrl {
    /// Errors do not repeat the text: there may be a password in it.
    fn from_setting(value: &Value) -> Result<Self, String> {
        let expected = "expected a URL such as \"https://api.example.com\"";
        let text = String::from_setting(value).map_err(|_| expected.to_owned())?;
        let url = Url::parse(&text).map_err(|error| format!("{expected} ({error})"))?;
        match url.scheme() {
            "https" => (),
            "http" if is_loopback(&url) => (),
            "http" => {
                return Err("would send the API key in the clear; use https \
                            (plain http is for loopback addresses only)"
                    .to_owned());
            }
            _ => return Err(expected.to_owned()),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a user name or a password".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("must not have a query or a fragment".to_owned());
        }
        if url.path().trim_end_matches('/').ends_with("/v1") {
            return Err("leave off the /v1 at the end: valetkey adds it".to_owned());
        }
        Ok(Self(url))
    }
}

/// Whether nobody can be in between.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_only() {
        let read = |text: &str| BaseUrl::from_setting(&Value::new(None, text)).map(|url| url.0);
        for fine in [
            "https://api.example",
            "https://gate.example/xai/",
            "http://127.0.0.1:9000",
            "http://127.9.9.9",
            "http://[::1]:9000",
            "http://localhost:9000",
        ] {
            assert!(read(fine).is_ok(), "{fine} was refused");
        }
        for wrong in [
            "http://api.example",
            "http://10.0.0.1",
            "http://localhost.example",
            "http://127.0.0.1.example",
            "http://0.0.0.0:9000",
            "ftp://127.0.0.1",
            "wss://api.example",
            "api.example",
            "https://",
            "https://key@api.example",
            "https://api.example/?key=x",
            "https://api.example/#x",
            "https://api.example/v1/",
        ] {
            assert!(read(wrong).is_err(), "{wrong} was taken");
        }
    }
}
