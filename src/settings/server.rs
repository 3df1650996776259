//! `[server]`

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use ipnet::IpNet;

use super::{section::Section, value::Deadline};

/// Listeners and their deadlines.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where callers connect.
    pub listen: SocketAddr,
    /// Where the machine itself asks for health; `None` when off.
    pub admin_listen: Option<SocketAddr>,
    /// The proxies whose word about the client is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How long connections are still accepted after the signal to stop.
    pub lame_duck: Duration,
    /// How long requests in flight may take to finish after that.
    pub drain: Duration,
    /// How long a request's body may take to arrive.
    pub body_timeout: Duration,
}

impl Server {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            listen: section.get("listen", SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            admin_listen: section.get("admin_listen", None),
            trusted_proxies: section.get("trusted_proxies", Vec::new()),
            lame_duck: section.get("lame_duck", Duration::ZERO),
            drain: section.get("drain", Duration::ZERO),
            body_timeout: section.get("body_timeout", Deadline(Duration::ZERO)).0,
        }
    }
}
