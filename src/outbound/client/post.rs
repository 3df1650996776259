//! A request that is made once and sent again and again.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Version, header,
    request::{self, Parts},
};
use http_body_util::Full;
use url::Url;

use crate::outbound::{
    USER_AGENT,
    connector::{authority, uri},
};

/// A POST without its body, as it is sent in either version of HTTP.
#[derive(Clone)]
pub struct Post {
    one: Parts,
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
        let two = Request::post(two).version(Version::HTTP_2);
        let two = parts(two, headers.clone()).ok_or_else(unusable)?;
        let host = HeaderValue::try_from(authority(url)).map_err(|_| unusable())?;
        headers.insert(header::HOST, host);
        let one = parts(Request::post(path), headers).ok_or_else(unusable)?;
        Ok(Self { one, two })
    }

    /// It with `body`, for HTTP/2 or HTTP/1.1.
    pub(super) fn request(&self, body: Bytes, is_two: bool) -> Request<Full<Bytes>> {
        let parts = if is_two { &self.two } else { &self.one };
        Request::from_parts(parts.clone(), Full::new(body))
    }
}

fn parts(request: request::Builder, headers: HeaderMap) -> Option<Parts> {
    let (mut parts, ()) = request.method(Method::POST).body(()).ok()?.into_parts();
    parts.headers = headers;
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_says_in_its_own_way_where_it_goes() {
        let url = Url::parse("https://[::1]:8443/gate/v1/x%20y?a=b").unwrap();
        let headers = HeaderMap::from_iter([(header::CONTENT_LENGTH, HeaderValue::from(0))]);
        let post = Post::new(&url, headers).unwrap();
        let [one, two] = [false, true].map(|is_two| post.request(Bytes::new(), is_two));
        assert_eq!((one.method(), two.method()), (&Method::POST, &Method::POST));
        assert_eq!((one.version(), two.version()), (Version::HTTP_11, Version::HTTP_2));
        assert_eq!(one.uri(), "/gate/v1/x%20y?a=b");
        assert_eq!(two.uri(), url.as_str());
        assert_eq!(one.headers()["host"], "[::1]:8443");
        assert!(!two.headers().contains_key("host"));
        for request in [one, two] {
            assert_eq!(request.headers()["content-length"], "0");
            assert!(request.headers()["user-agent"].as_bytes().starts_with(b"valetkey/"));
        }
        let plain = Post::new(&Url::parse("http://a.example:80/").unwrap(), HeaderMap::new());
        assert_eq!(plain.unwrap().request(Bytes::new(), false).headers()["host"], "a.example");
    }
}
