//! A request that is made once and sent again and again.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Request, Version, header, request::Parts};
use http_body_util::Full;
use url::Url;

use crate::outbound::{
    USER_AGENT,
    connector::{authority, uri},
};

/// What there is room for besides a request of HTTP/1.1: the answer is read into the same buffer.
const ROOM: usize = 1024;

/// A POST without its body, as it is sent in either version of HTTP.
#[derive(Clone)]
pub struct Post {
    /// The head of HTTP/1.1 up to the number of the body's bytes.
    one: Bytes,
    two: Parts,
}

impl Post {
    /// One to `url`, with `headers` and those that every request has.
    ///
    /// # Errors
    /// When it cannot be sent; in words for the operator.
    pub fn new(url: &Url, mut headers: HeaderMap) -> Result<Self, String> {
        let unusable = || "the base URL cannot be used in a request".to_owned();
        headers.insert(header::USER_AGENT, USER_AGENT);
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let mut two = uri(url)?.into_parts();
        two.path_and_query = Some(path.parse().map_err(|_| unusable())?);
        let two = http::Uri::from_parts(two).map_err(|_| unusable())?;
        let two = Request::post(two).version(Version::HTTP_2).body(()).map_err(|_| unusable())?;
        let (mut two, ()) = two.into_parts();
        two.headers = headers.clone();
        let host = HeaderValue::try_from(authority(url)).map_err(|_| unusable())?;
        headers.insert(header::HOST, host);
        headers.remove(header::CONTENT_LENGTH);
        Ok(Self { one: one(path, &headers), two })
    }

    /// It with `body`, for HTTP/1.1.
    pub(super) fn one(&self, body: &[u8]) -> BytesMut {
        let mut text = BytesMut::with_capacity(self.one.len() + body.len() + ROOM);
        text.extend_from_slice(&self.one);
        text.extend_from_slice(itoa::Buffer::new().format(body.len()).as_bytes());
        text.extend_from_slice(b"\r\n\r\n");
        text.extend_from_slice(body);
        text
    }

    /// It with `body`, for HTTP/2.
    pub(super) fn two(&self, body: &Bytes) -> Request<Full<Bytes>> {
        Request::from_parts(self.two.clone(), Full::new(body.clone()))
    }
}

fn one(path: &str, headers: &HeaderMap) -> Bytes {
    let mut text = format!("{} {path} HTTP/1.1\r\n", Method::POST).into_bytes();
    for (name, value) in headers {
        text.extend_from_slice(name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"content-length: ");
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_says_in_its_own_way_where_it_goes() {
        let url = Url::parse("https://[::1]:8443/gate/v1/x%20y?a=b").unwrap();
        let headers = HeaderMap::from_iter([
            (header::CONTENT_LENGTH, HeaderValue::from(0)),
            (header::AUTHORIZATION, HeaderValue::from_static("Bearer k")),
        ]);
        let post = Post::new(&url, headers).unwrap();
        let one = String::from_utf8(post.one(b"").to_vec()).unwrap();
        assert!(one.starts_with("POST /gate/v1/x%20y?a=b HTTP/1.1\r\n"), "{one}");
        assert!(one.ends_with("\r\n\r\n"), "{one}");
        let mut lines: Vec<_> = one.lines().skip(1).collect();
        lines.sort_unstable();
        let agent = concat!("user-agent: valetkey/", env!("CARGO_PKG_VERSION"));
        let host = "host: [::1]:8443";
        let expected =
            ["", "accept: */*", "authorization: Bearer k", "content-length: 0", host, agent];
        assert_eq!(lines, expected);
        let two = post.two(&Bytes::new());
        assert_eq!((two.method(), two.version()), (&Method::POST, Version::HTTP_2));
        assert_eq!(two.uri(), url.as_str());
        assert!(!two.headers().contains_key("host"));
        assert_eq!(two.headers()["content-length"], "0");
        assert!(two.headers()["user-agent"].as_bytes().starts_with(b"valetkey/"));
    }

    #[test]
    fn a_body_follows_with_its_length() {
        let plain = Post::new(&Url::parse("http://a.example:80/").unwrap(), HeaderMap::new());
        let text = plain.unwrap().one(b"{\"a\": 1}");
        let text = str::from_utf8(&text).unwrap();
        assert!(text.ends_with("\r\ncontent-length: 8\r\n\r\n{\"a\": 1}"), "{text}");
        assert!(text.contains("\r\nhost: a.example\r\n"), "{text}");
    }
}
