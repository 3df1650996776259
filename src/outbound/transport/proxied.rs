//! A proxy, as its URL describes it.

use http::{HeaderMap, Uri, header};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use url::Url;

use crate::outbound::USER_AGENT;

/// Where a proxy is, and what it is told of us.
#[derive(Clone)]
pub(in crate::outbound) struct Proxied(Intercept);

impl Proxied {
    /// `None`: it cannot be at such a URL.
    pub(super) fn new(url: &Url) -> Option<Self> {
        // Asked about anywhere, since it is for everything.
        let anywhere = Uri::from_static("https://anywhere.example");
        Matcher::builder().all(url.as_str()).build().intercept(&anywhere).map(Self)
    }

    /// Where it is, without the password.
    pub(super) fn uri(&self) -> &Uri {
        self.0.uri()
    }

    /// What a request for a tunnel says besides.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, USER_AGENT);
        if let Some(auth) = self.0.basic_auth() {
            let mut auth = auth.clone();
            auth.set_sensitive(true);
            headers.insert(header::PROXY_AUTHORIZATION, auth);
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_goes_into_a_header_that_nothing_prints() {
        let proxy = |url| Proxied::new(&Url::parse(url).unwrap()).unwrap();
        let guarded = proxy("http://user:pass%20word@proxy.example:3128");
        assert_eq!(guarded.uri(), "http://proxy.example:3128/");
        let auth = &guarded.headers()[header::PROXY_AUTHORIZATION];
        assert_eq!(auth, "Basic dXNlcjpwYXNzIHdvcmQ=");
        assert!(auth.is_sensitive());
        assert!(!proxy("https://proxy.example").headers().contains_key("proxy-authorization"));
    }
}
