//! What an application is asked with: named headers, and nothing else of the request.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, COOKIE, ORIGIN},
};

use crate::{
    base::header::{Only, only},
    caller::{Asking, Rejected, host::host},
};

/// Whether the request has anything to ask with.
pub(super) fn has_credential(asking: &Asking<'_>, cookies: bool) -> bool {
    let is_there = |name| asking.headers.get_all(name).iter().any(|value| !value.is_empty());
    is_there(AUTHORIZATION) || cookies && is_there(COOKIE)
}

/// The headers of the question: the credential, and whence and for what it came, named as Traefik's
/// ForwardAuth and nginx' `auth_request` name it. No header of the request is copied but these, so
/// that nobody can speak to the application as if a proxy had.
///
/// # Errors
/// When the request says twice what can be said once: the application might look at the other one.
pub(super) fn headers(asking: &Asking<'_>, cookies: bool) -> Result<HeaderMap, Rejected> {
    let mut headers = HeaderMap::new();
    if let Some(authorization) = once(asking, AUTHORIZATION, "there are two Authorizations")? {
        headers.insert(AUTHORIZATION, secret(authorization.clone()));
    }
    if let Some(cookie) = cookies.then(|| joined_cookies(asking)).flatten() {
        headers.insert(COOKIE, secret(cookie));
    }
    if let Some(origin) = once(asking, ORIGIN, "there are two Origins")? {
        headers.insert(ORIGIN, origin.clone());
    }
    if let Some(host) = host(asking) {
        headers.insert("x-forwarded-host", host.clone());
    }
    let value = |text: &str| {
        HeaderValue::from_str(text).map_err(|_| Rejected::Wrong("the path is no header's value"))
    };
    headers.insert("x-forwarded-proto", HeaderValue::from_static(scheme(asking)));
    headers.insert("x-forwarded-method", value(asking.method.as_str())?);
    headers.insert("x-forwarded-uri", value(asking.path)?);
    headers.insert("x-original-uri", value(asking.path)?);
    headers.insert("x-forwarded-for", value(&asking.client.to_string())?);
    Ok(headers)
}

/// How the client came: as a trusted proxy says, or else as it came to us, which is without TLS.
fn scheme(asking: &Asking<'_>) -> &'static str {
    let said = only(asking.headers, "x-forwarded-proto").value();
    if asking.peer_is_trusted && said.is_some_and(|it| it == "https") { "https" } else { "http" }
}

fn once<'a>(
    asking: &Asking<'a>,
    name: HeaderName,
    otherwise: &'static str,
) -> Result<Option<&'a HeaderValue>, Rejected> {
    match only(asking.headers, name) {
        Only::Repeated => Err(Rejected::Wrong(otherwise)),
        at_most_one => Ok(at_most_one.value()),
    }
}

/// All cookies in one line: a client may send several (RFC 9113, section 8.2.3), and an application
/// may read only the first.
fn joined_cookies(asking: &Asking<'_>) -> Option<HeaderValue> {
    let lines = asking.headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    // Joining what was a header's value gives one again.
    HeaderValue::from_bytes(&lines.join(&b"; "[..])).ok().filter(|line| !line.is_empty())
}

/// Not to be printed.
fn secret(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}
