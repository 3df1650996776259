//! A forward proxy, as its URL describes it.

use url::Url;

/// Where a proxy is, and the credentials for it.
#[derive(Clone)]
pub(super) struct ForwardProxy {
    /// With the password, so that nothing may print it.
    url: Url,
    proxy: reqwest::Proxy,
}

impl ForwardProxy {
    /// `None`: no proxy can be at such a URL.
    pub(super) fn new(url: Url) -> Option<Self> {
        let proxy = reqwest::Proxy::all(url.clone()).ok()?;
        Some(Self { url, proxy })
    }

    pub(super) const fn url(&self) -> &Url {
        &self.url
    }

    /// The proxy for every request, whatever its host.
    pub(super) fn to_reqwest(&self) -> reqwest::Proxy {
        self.proxy.clone()
    }
}
