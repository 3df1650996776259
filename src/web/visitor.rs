//! What a request says of whoever sent it, before anyone looks at it.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Once,
};

use axum::{
    extract::ConnectInfo,
    http::{HeaderValue, header, request::Parts},
};

use super::problem::Problem;
use crate::{
    app::Live,
    caller::{Asking, client_address, is_trusted},
    error::Error,
};

/// The longest origin that is kept, in bytes: a host's name has 253 at most.
const MAX_ORIGIN: usize = 300;

/// The request as the gate sees it.
pub(super) fn asking<'a>(parts: &'a Parts, live: &Live) -> Asking<'a> {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip());
    let peer_is_trusted = is_trusted(peer, &live.server.trusted_proxies);
    if !peer_is_trusted && parts.headers.contains_key("x-forwarded-for") {
        suspect_a_proxy(peer);
    }
    Asking {
        method: &parts.method,
        path: parts.uri.path(),
        headers: &parts.headers,
        peer,
        peer_is_trusted,
        client: client_address(peer, &parts.headers, &live.server.trusted_proxies),
    }
}

/// The origin of the page, as the browser says it.
pub(super) fn origin(parts: &Parts) -> Option<&str> {
    shown(parts.headers.get(header::ORIGIN)?)
}

/// An origin as text, if it is one that a browser could send.
pub(super) fn shown(origin: &HeaderValue) -> Option<&str> {
    origin.to_str().ok().filter(|origin| origin.len() <= MAX_ORIGIN)
}

/// Why it may not ask. A page that is not listed is the commonest mistake in setting up, and the log
/// line says which one it was.
pub(super) fn problem(error: Error, parts: &Parts) -> Problem {
    let of_origin = matches!(error, Error::NotWelcome(_));
    let cause = error.to_string();
    let problem = Problem::from(error);
    match origin(parts).filter(|_| of_origin) {
        Some(origin) => problem.because(format!("{cause}: {origin}")),
        None => problem,
    }
}

/// Behind a proxy that is not named everyone seems to come from one address, and shares its limits.
fn suspect_a_proxy(peer: IpAddr) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::warn!(
            %peer,
            "a request came with X-Forwarded-For from someone who is not in \
             server.trusted_proxies: if that is your proxy, name it there, or all its clients \
             share the limits of one address"
        );
    });
}
