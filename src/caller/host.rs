//! The host that a request was meant for.

use http::{HeaderValue, header::HOST};

use super::Asking;

const X_FORWARDED_HOST: &str = "x-forwarded-host";

/// What the client asked for, as `host` or `host:port`: the one `Host` header, or, where a trusted
/// proxy is in between, the one `X-Forwarded-Host`. `None` where either is there more than once:
/// nothing tells which is meant.
pub(super) fn host<'a>(asking: &Asking<'a>) -> Option<&'a HeaderValue> {
    let mut hosts = asking.headers.get_all(HOST).iter();
    let host = hosts.next()?;
    if hosts.next().is_some() {
        return None;
    }
    if !asking.peer_is_trusted {
        return Some(host);
    }
    let mut forwarded = asking.headers.get_all(X_FORWARDED_HOST).iter();
    let outer = forwarded.next().unwrap_or(host);
    forwarded.next().is_none().then_some(outer)
}
