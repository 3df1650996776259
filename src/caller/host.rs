//! The host that a request was meant for.

use http::{HeaderValue, header::HOST};

use super::Asking;
use crate::base::header::{Only, only};

/// What the client asked for, as `host` or `host:port`: the one `Host` header, or, where a trusted
/// proxy is in between, the one `X-Forwarded-Host`. `None` where either is there more than once:
/// nothing tells which is meant.
pub(super) fn host<'a>(asking: &Asking<'a>) -> Option<&'a HeaderValue> {
    let host = only(asking.headers, HOST).value()?;
    match only(asking.headers, "x-forwarded-host") {
        Only::Once(outer) if asking.peer_is_trusted => Some(outer),
        Only::Repeated if asking.peer_is_trusted => None,
        _ => Some(host),
    }
}
