//! Refuses what two readers could understand in two ways, rather than repairing it: a proxy in front
//! may have understood it in the other.

use std::net::Ipv6Addr;

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, Uri, Version, header},
    response::{IntoResponse as _, Response},
};

use super::{
    body::MAX_BODY,
    problem::{Code, Problem},
};
use crate::base::header::{Only, only};

/// The longest path and query, in bytes.
const MAX_TARGET: usize = 8 * 1024;

/// The answer to a request that is not taken, if it is not.
pub(super) fn refusal(request: &Request) -> Option<Response> {
    let problem = inspect(request).err()?;
    let mut response = problem.into_response();
    // Where one request ends and the next begins is in doubt.
    close_after(&mut response);
    Some(response)
}

/// Makes `response` the last on its connection.
pub(super) fn close_after(response: &mut Response) {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
}

fn inspect(request: &Request) -> Result<(), Problem> {
    check_target(request.method(), request.uri())?;
    check_host(request.version(), request.uri(), request.headers())?;
    check_framing(request.headers())?;
    check_expectation(request.headers())
}

fn check_target(method: &Method, uri: &Uri) -> Result<(), Problem> {
    if uri.path_and_query().is_some_and(|it| it.as_str().len() > MAX_TARGET) {
        return Err(Problem::new(Code::UriTooLong));
    }
    let is_authority = uri.scheme().is_none() && uri.authority().is_some();
    if method == Method::CONNECT || is_authority {
        return Err(malformed("this server is no proxy: the request target must be a path"));
    }
    if uri.path() == "*" && method != Method::OPTIONS {
        return Err(malformed("the request target * is for OPTIONS alone"));
    }
    if uri.scheme_str().is_some_and(|scheme| scheme != "http" && scheme != "https") {
        return Err(malformed("the request target has a scheme other than http and https"));
    }
    Ok(())
}

fn check_host(version: Version, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let host = match only(headers, header::HOST) {
        Only::Once(host) => Some(host.to_str().ok().filter(|host| is_host(host))),
        Only::Absent => None,
        Only::Repeated => {
            return Err(malformed("there must be one Host header, and there are more"));
        }
    };
    let authority = uri.authority().map(|authority| authority.as_str());
    match (host, authority) {
        (Some(None), _) => Err(malformed("the Host header must be a host, or a host and a port")),
        (Some(Some(host)), Some(authority)) if !same_host(uri, authority, host) => {
            Err(malformed("the request target is of another host than the Host header"))
        }
        (None, Some(authority)) if !is_host(authority) => {
            Err(malformed("the request target must name a host, or a host and a port"))
        }
        // With HTTP/2 the target has it.
        (None, None) if version >= Version::HTTP_11 => Err(malformed("the Host header is missing")),
        (None, Some(_)) if version == Version::HTTP_11 => {
            Err(malformed("the Host header is missing"))
        }
        _ => Ok(()),
    }
}

/// hyper has already refused lengths that contradict each other or are no numbers, and codings that do
/// not end with `chunked`. A length beside a coding it drops; such a connection is closed, as any with
/// a coding is, so that nobody reads on at another place.
fn check_framing(headers: &HeaderMap) -> Result<(), Problem> {
    match only(headers, header::TRANSFER_ENCODING) {
        Only::Absent => (),
        Only::Once(coding) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => {
            if headers.contains_key(header::CONTENT_LENGTH) {
                return Err(malformed("a body has either a length or a transfer coding"));
            }
        }
        Only::Once(_) | Only::Repeated => return Err(Problem::new(Code::NotImplemented)),
    }
    let length = match only(headers, header::CONTENT_LENGTH) {
        Only::Absent => return Ok(()),
        Only::Once(length) => length.to_str().ok().and_then(|text| text.parse::<u64>().ok()),
        Only::Repeated => None,
    };
    match length {
        Some(length) if length <= MAX_BODY as u64 => Ok(()),
        Some(_) => Err(Problem::new(Code::BodyTooLarge)),
        None => Err(malformed("the Content-Length must be one number")),
    }
}

fn check_expectation(headers: &HeaderMap) -> Result<(), Problem> {
    match only(headers, header::EXPECT) {
        Only::Absent => Ok(()),
        Only::Once(it) if it.as_bytes().eq_ignore_ascii_case(b"100-continue") => Ok(()),
        Only::Once(_) | Only::Repeated => Err(Problem::new(Code::ExpectationFailed)),
    }
}

/// `host` or `host:port`: nothing before, nothing behind.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if address.parse::<Ipv6Addr>().is_ok() => ("ipv6", port),
            _ => return false,
        },
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let is_port = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|it| it > 0)
    };
    let port_fits = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    !host.is_empty() && host.bytes().all(letter) && port_fits
}

/// The same, but for letter case and a port that goes without saying.
fn same_host(uri: &Uri, authority: &str, host: &str) -> bool {
    let usual = match uri.scheme_str() {
        Some("https") => ":443",
        _ => ":80",
    };
    let bare = |text: &str| text.strip_suffix(usual).unwrap_or(text).to_ascii_lowercase();
    bare(authority) == bare(host)
}

fn malformed(detail: &str) -> Problem {
    Problem::new(Code::MalformedRequest).detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_host_and_perhaps_a_port() {
        for host in ["x", "a.example", "A.b-c_d.example:8081", "127.0.0.1:1", "[::1]", "[::1]:80"] {
            assert!(is_host(host), "{host}");
        }
        for odd in [
            "",
            ":80",
            "a:",
            "a:0",
            "a:65536",
            "a:8x",
            "a:+1",
            "a@b",
            "a/b",
            "a b",
            "a:80:80",
            "a,b",
            "::1",
            "[::1",
            "[x]",
            "[::1]x",
            "[fe80::1%eth0]",
            "caf\u{e9}",
            "a?b",
            "a#b",
            "a\\b",
        ] {
            assert!(!is_host(odd), "{odd:?}");
        }
    }

    #[test]
    fn a_usual_port_goes_without_saying() {
        let same = |uri: &str, host: &str| {
            let uri: Uri = uri.parse().unwrap();
            same_host(&uri, uri.authority().unwrap().as_str(), host)
        };
        assert!(same("http://A.example/", "a.example"));
        assert!(same("http://a.example:80/", "a.example"));
        assert!(same("https://a.example/", "a.example:443"));
        assert!(!same("http://a.example/", "a.example:443"));
        assert!(!same("http://u@a.example/", "a.example"));
        assert!(!same("http://b.example/", "a.example"));
    }
}
