//! Whether the page that a request comes from may ask (CSRF, DNS rebinding).
//!
//! Checked here as well as by CORS, which only keeps a page from reading an answer: the token would
//! have been minted by then.

use http::{HeaderMap, header::ORIGIN};
use url::{Host, Url};

use super::{Asking, Caller, host::host};
use crate::{
    base::header::{Only, only},
    settings::{Origin, Via},
};

/// Why a request's page may not ask. For the log: the page learns only that it is not welcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotWelcome {
    /// No browser sends an origin like this.
    #[error("it has several origins, or one that is not visible ASCII")]
    Odd,
    /// The caller's key has origins of its own, and this is none of them.
    #[error("it has no origin, or one that is not among those of the caller's key")]
    NotTheKeys,
    /// A browser says that it comes from elsewhere, and not from where.
    #[error("its browser says that it comes from another site, and not from which")]
    Hidden,
    /// It is neither allowed nor the server's own.
    #[error("its origin is not in origins.allowed, nor this server's own")]
    Foreign,
    /// It is the server's own, by a name that may have been made to lead here.
    #[error(
        "its origin is this server's own, but by a name that anyone could have pointed here; where \
         anonymous callers are let in, the name belongs in origins.allowed"
    )]
    Rebound,
}

/// Whether the page that `asking` comes from may ask for `caller`: one of the `allowed` origins, or
/// of the caller's own where its key has some, or this server's own, or no page at all.
///
/// A request without `Origin` is taken for one that comes from no page. That holds for POST, to
/// which every browser adds one; a GET must not be decided by this alone.
///
/// # Errors
/// Why it may not.
pub fn is_welcome(
    asking: &Asking<'_>,
    allowed: &[Origin],
    caller: &Caller,
) -> Result<(), NotWelcome> {
    let origin = origin(asking.headers)?;
    if let Some(origins) = &caller.origins {
        let is_good = origin.is_some_and(|origin| lists(origins, origin));
        return if is_good { Ok(()) } else { Err(NotWelcome::NotTheKeys) };
    }
    if allowed.contains(&Origin::Any) {
        return Ok(());
    }
    let site = Site::of(asking.headers);
    match origin {
        None if site == Site::Other => Err(NotWelcome::Hidden),
        None => Ok(()),
        Some(origin) if lists(allowed, origin) => Ok(()),
        // `none` is what a user types: that never comes with an origin.
        Some(_) if !matches!(site, Site::Unsaid | Site::SameOrigin) => Err(NotWelcome::Foreign),
        Some(origin) => is_own(asking, origin, caller.via),
    }
}

/// What the browser says of where the request comes from (W3C Fetch Metadata).
#[derive(PartialEq, Eq)]
enum Site {
    /// Nothing: an old browser, a page without TLS, or no browser.
    Unsaid,
    SameOrigin,
    /// From no page: the user typed it.
    NoPage,
    /// From another one, or it says what nobody understands.
    Other,
}

impl Site {
    fn of(headers: &HeaderMap) -> Self {
        match only(headers, "sec-fetch-site") {
            Only::Absent => Self::Unsaid,
            Only::Once(value) if value == "same-origin" => Self::SameOrigin,
            Only::Once(value) if value == "none" => Self::NoPage,
            Only::Once(_) | Only::Repeated => Self::Other,
        }
    }
}

fn origin(headers: &HeaderMap) -> Result<Option<&str>, NotWelcome> {
    let is_sane = |text: &&str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_graphic());
    match only(headers, ORIGIN) {
        Only::Absent => Ok(None),
        one => one
            .value()
            .and_then(|it| it.to_str().ok())
            .filter(is_sane)
            .map(Some)
            .ok_or(NotWelcome::Odd),
    }
}

/// Whether `origins` has this very one: no sub-domain, suffix, port or case of it will do.
fn lists(origins: &[Origin], origin: &str) -> bool {
    origins.iter().any(|it| matches!(it, Origin::Exact(exact) if exact == origin))
}

/// Whether `origin` is the host that was asked. Its scheme cannot be compared: whether there was
/// TLS, only a proxy knows.
fn is_own(asking: &Asking<'_>, origin: &str, via: Via) -> Result<(), NotWelcome> {
    let (name, own) = parse(origin).ok_or(NotWelcome::Foreign)?;
    let host = host(asking).and_then(|host| host.to_str().ok()).ok_or(NotWelcome::Foreign)?;
    // The origin is as a browser writes it, so a host that equals it is no odder.
    let host = host.strip_suffix(own.default_port).unwrap_or(host);
    if !host.eq_ignore_ascii_case(own.authority) {
        return Err(NotWelcome::Foreign);
    }
    // An attacker's name that leads to this server makes the attacker's page its own. Who has to
    // prove who they are is safe: the attacker's page has no credential for that name.
    if via == Via::Anonymous && !leads_to_itself(&name) {
        return Err(NotWelcome::Rebound);
    }
    Ok(())
}

/// The host and port of an origin, and the port that its scheme leaves out.
struct Own<'a> {
    authority: &'a str,
    default_port: &'static str,
}

/// Takes an origin apart. `None` for one that no browser would write so (upper case, a user, a
/// path, a default port, an address in other figures), and for a name with a dot at its end, which
/// is another origin than the one without.
fn parse(origin: &str) -> Option<(Host, Own<'_>)> {
    let (authority, default_port) = match origin.split_once("://")? {
        ("https", authority) => (authority, ":443"),
        ("http", authority) => (authority, ":80"),
        _ => return None,
    };
    let url = Url::parse(origin).ok()?;
    let is_canonical = url.origin().ascii_serialization() == origin;
    let name = url.host()?.to_owned();
    let has_dot = matches!(&name, Host::Domain(name) if name.ends_with('.'));
    (is_canonical && !has_dot).then_some((name, Own { authority, default_port }))
}

/// Whether no DNS server has a say in where `host` leads.
fn leads_to_itself(host: &Host) -> bool {
    match host {
        Host::Ipv4(_) | Host::Ipv6(_) => true,
        // Browsers keep these to the machine itself (RFC 6761, section 6.3).
        Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests;
