//! `[server]`

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use config::Value;
use ipnet::IpNet;

use super::{
    section::Section,
    value::{Deadline, FromSetting, whole},
};

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
    /// How long a request's head may take to arrive.
    pub header_timeout: Duration,
    /// How long a request's body may take to arrive.
    pub body_timeout: Duration,
    /// How long a whole request may take.
    pub request_timeout: Duration,
    /// How long a client may take none of its answer.
    pub write_timeout: Duration,
    /// The most connections at once.
    pub max_connections: usize,
    /// The most requests for a token that are worked on at once.
    pub max_requests: usize,
    /// Whether HTTP/2 is spoken without TLS.
    pub http2: bool,
}

impl Server {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            listen: section.get("listen", SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            admin_listen: section.get("admin_listen", None),
            trusted_proxies: section.get("trusted_proxies", Vec::new()),
            lame_duck: section.get("lame_duck", Duration::ZERO),
            drain: section.get("drain", Duration::ZERO),
            header_timeout: deadline(section, "header_timeout"),
            body_timeout: deadline(section, "body_timeout"),
            request_timeout: deadline(section, "request_timeout"),
            write_timeout: deadline(section, "write_timeout"),
            max_connections: section.get("max_connections", Count(1)).0,
            max_requests: section.get("max_requests", Count(1)).0,
            http2: section.get("http2", false),
        }
    }
}

fn deadline(section: &mut Section<'_>, key: &str) -> Duration {
    section.get(key, Deadline(Duration::ZERO)).0
}

/// How many of something: at least one, and no more than makes sense on any machine.
struct Count(usize);

impl FromSetting for Count {
    fn from_setting(value: &Value) -> Result<Self, String> {
        let count = whole(value, 1, 1_000_000)?;
        Ok(Self(count as usize))
    }
}
