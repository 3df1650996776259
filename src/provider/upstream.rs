//! One HTTP call to a provider: capped, never redirected, its failures classified.
//!
//! The deadline is not here but around the whole mint, so that connecting, the head and the body
//! share one.

use std::{
    error::Error,
    io,
    time::{Duration, SystemTime},
};

use reqwest::{
    Client, Method, RequestBuilder,
    header::{self, HeaderMap},
};
use tokio::time::timeout;
use url::Url;

use super::{Account, Invalid, ProviderError, Unreachable, reuse::Reuse};
use crate::{
    clock::Clock,
    outbound::{self, Unread, causes, root_cause},
};

/// The most that is read of an answer, in bytes. A token's answer has a few hundred.
const MAX_ANSWER: usize = 64 * 1024;

/// How long the body of an error may take.
const ERROR_BODY: Duration = Duration::from_secs(1);

/// A way to a provider, with one pool of connections for all its copies.
#[derive(Clone)]
pub(super) struct Upstream {
    client: Client,
    base: Url,
    reuse: Reuse,
}

/// What came back, whatever the status.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

impl Upstream {
    pub(super) fn new(account: &Account) -> Result<Self, String> {
        let client = account.transport.client(&account.base_url, account.timeout)?;
        Ok(Self { client, base: account.base_url.clone(), reuse: Reuse::default() })
    }

    /// Begins a POST to `path` under the base URL.
    pub(super) fn post(&self, path: &[&str]) -> RequestBuilder {
        self.client.request(Method::POST, join(&self.base, path))
    }

    /// Sends it and reads the whole answer.
    pub(super) async fn call(
        &self,
        request: RequestBuilder,
        clock: &Clock,
    ) -> Result<Answer, ProviderError> {
        let response = request.send().await.map_err(|error| self.classify(error))?;
        self.reuse.answered(response.extensions());
        let status = response.status();
        if status.is_redirection() {
            return Err(Invalid::Redirect.into());
        }
        let retry_after = retry_after(response.headers(), clock.now());
        let body = if status.is_success() {
            outbound::read_capped(response, MAX_ANSWER).await?
        } else {
            // The status says the most of it; a body that is missing or wrong must not hide that.
            timeout(ERROR_BODY, outbound::read_capped(response, MAX_ANSWER))
                .await
                .map_or(Vec::new(), Result::unwrap_or_default)
        };
        Ok(Answer { status: status.as_u16(), retry_after, body })
    }

    fn classify(&self, error: reqwest::Error) -> ProviderError {
        let stale = self.reuse.was_stale(&error);
        match classify(error) {
            ProviderError::Unreachable(Unreachable::HungUp) if stale => Unreachable::Stale.into(),
            other => other,
        }
    }
}

/// `base` with `path` appended to its own path.
pub(super) fn join(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    // Cannot fail: settings accept only URLs that have a host.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

impl From<Unread> for ProviderError {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::TooLarge => Invalid::TooLarge.into(),
            Unread::Truncated => Invalid::Truncated.into(),
        }
    }
}

fn classify(error: reqwest::Error) -> ProviderError {
    outbound::doubt_address(&error);
    let error = error.without_url();
    let cause = root_cause(&error);
    tracing::debug!(cause, "the request failed");
    let is_parse = |cause: &(dyn Error + 'static)| {
        cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse)
    };
    if causes(&error).any(is_parse) {
        return Invalid::NotHttp.into();
    }
    // In this case the request was not even begun.
    let is_canceled = |cause: &(dyn Error + 'static)| {
        cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled)
    };
    let unsent = causes(&error).any(is_canceled);
    let io = causes(&error).filter_map(|cause| cause.downcast_ref::<io::Error>()).last();
    let from_system = io.is_some_and(|io| io.raw_os_error().is_some());
    ProviderError::Unreachable(match io.map(io::Error::kind) {
        _ if error.is_dns() => Unreachable::Name,
        Some(io::ErrorKind::ConnectionRefused) => Unreachable::Refused,
        _ if error.is_connect() && cause.contains("tunnel") => Unreachable::Proxy,
        _ if error.is_connect() && (from_system || error.is_timeout()) => Unreachable::NoConnection,
        // With TLS 1.3 a server looks at our certificate when we are done with the handshake.
        _ if minds_our_certificate(&cause) => Unreachable::ClientCertificate,
        // The words of TLS libraries hold names from the certificate.
        _ if error.is_connect() => Unreachable::Tls,
        _ if unsent => Unreachable::NoConnection,
        _ => Unreachable::HungUp,
    })
}

/// Whether the other side ended the connection over the certificate that we showed, or did not. All
/// of these alerts belong to the handshake (RFC 8446, section 6.2), so no request was looked at.
fn minds_our_certificate(cause: &str) -> bool {
    let alert = cause.strip_prefix("received fatal alert: ");
    alert.is_some_and(|alert| {
        alert.contains("Certificate")
            || matches!(alert, "UnknownCA" | "AccessDenied" | "DecryptError")
    })
}

/// The longest of those that make sense: there should be one.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let all = headers.get_all(header::RETRY_AFTER).into_iter();
    let texts = all.filter_map(|value| value.to_str().ok());
    texts.filter_map(|text| parse_retry_after(text, now)).max()
}

/// Seconds, or a date: both are allowed (RFC 9110, section 10.2.3). Fractions are not, and are sent.
pub(super) fn parse_retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    let is_number = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    if text.bytes().all(is_number) {
        let seconds: f64 = text.parse().ok()?;
        // So many that they do not fit are for ever.
        return Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn paths_go_behind_the_base_urls_own() {
        let joined = |base| join(&Url::parse(base).unwrap(), &["v1", "x y"]).to_string();
        assert_eq!(joined("https://a.example"), "https://a.example/v1/x%20y");
        assert_eq!(joined("https://a.example/gate/"), "https://a.example/gate/v1/x%20y");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_770);
        let parsed = |text: &str| parse_retry_after(text, now).map(|wait| wait.as_secs());
        assert_eq!(parsed(" 7 "), Some(7));
        assert_eq!(parsed("Sun, 06 Nov 1994 08:49:37 GMT"), Some(7));
        assert_eq!(parsed("Sun, 06 Nov 1994 08:49:00 GMT"), Some(0));
        assert_eq!(parsed("0"), Some(0));
        assert_eq!(parsed("1.5"), Some(1));
        assert_eq!(parsed("99999999999999999999999"), Some(u64::MAX));
        assert_eq!(parsed(&"9".repeat(400)), Some(u64::MAX));
        for garbage in
            ["", " ", "soon", "-1", "+1", "1e3", "inf", "NaN", "1.2.3", ".", "7, 9", "0x7"]
        {
            assert_eq!(parsed(garbage), None, "{garbage}");
        }
    }

    #[test]
    fn of_several_waits_the_longest_counts() {
        let mut headers = HeaderMap::new();
        assert_eq!(retry_after(&headers, UNIX_EPOCH), None);
        for text in ["soon", "3", "8", "5", "\u{e9}"] {
            let value = HeaderValue::from_bytes(text.as_bytes()).unwrap();
            headers.append(header::RETRY_AFTER, value);
        }
        assert_eq!(retry_after(&headers, UNIX_EPOCH), Some(Duration::from_secs(8)));
    }

    proptest::proptest! {
        #[test]
        fn no_wait_is_too_odd_to_be_read(text in "\\PC*") {
            let _ = parse_retry_after(&text, UNIX_EPOCH);
        }
    }
}
