//! One HTTP call to a provider: capped, never redirected, its failures classified.
//!
//! The deadline is not here but around the whole mint, so that connecting, the head and the body
//! share one.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tokio::time::timeout;
use url::Url;

use super::{Account, Invalid, ProviderError, Unreachable};
use crate::{
    base::clock::Clock,
    outbound::{Client, PreparedPost, ReadError, SendError},
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
        Ok(Self { client, base: account.base_url.clone() })
    }

    /// A POST to `path` under the base URL, to be sent again and again.
    pub(super) fn post(
        &self,
        path: &[&str],
        headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    ) -> PreparedPost {
        PreparedPost::new(join(&self.base, path), headers.into_iter().collect())
    }

    /// Sends it and reads the whole answer.
    pub(super) async fn call(
        &self,
        post: &PreparedPost,
        body: Bytes,
        clock: &Clock,
    ) -> Result<Answer, ProviderError> {
        let reply = self.client.post(post, body).await?;
        let status = reply.status();
        if status.is_redirection() {
            return Err(Invalid::Redirect.into());
        }
        let (retry_after, body) = if status.is_success() {
            (None, reply.read_capped(MAX_ANSWER).await?)
        } else {
            let retry_after = retry_after(reply.headers(), clock);
            // The status says the most of it; a body that is missing or wrong must not hide that.
            let body = timeout(ERROR_BODY, reply.read_capped(MAX_ANSWER)).await;
            (retry_after, body.map_or(Vec::new(), Result::unwrap_or_default))
        };
        Ok(Answer { status: status.as_u16(), retry_after, body })
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

impl From<ReadError> for ProviderError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::TooLarge => Invalid::TooLarge.into(),
            ReadError::Truncated => Invalid::Truncated.into(),
        }
    }
}

impl From<SendError> for ProviderError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::NotHttp => Invalid::NotHttp.into(),
            SendError::Stale => Unreachable::Stale.into(),
            SendError::HungUp => Unreachable::HungUp.into(),
            SendError::Unprocessed => Unreachable::Unprocessed.into(),
            SendError::Connect(why) => why.into(),
        }
    }
}

/// The longest of those that make sense: there should be one.
fn retry_after(headers: &HeaderMap, clock: &Clock) -> Option<Duration> {
    let values = headers.get_all(header::RETRY_AFTER).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    texts.filter_map(|text| parse_retry_after(text, clock.now())).max()
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
        assert_eq!(retry_after(&headers, &Clock::fixed(0)), None);
        for text in ["soon", "3", "8", "5", "\u{e9}"] {
            headers.append(header::RETRY_AFTER, text.try_into().unwrap());
        }
        assert_eq!(retry_after(&headers, &Clock::fixed(0)), Some(Duration::from_secs(8)));
    }

    proptest::proptest! {
        #[test]
        fn no_wait_is_too_odd_to_be_read(text in "\\PC*") {
            let _ = parse_retry_after(&text, UNIX_EPOCH);
        }
    }
}
