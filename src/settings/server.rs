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
    /// Who connects.
    pub profile: Profile,
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
    /// How many more wait.
    pub max_queued: usize,
    /// How long they wait.
    pub queue_timeout: Duration,
    /// Whether HTTP/2 is spoken without TLS.
    pub http2: bool,
    /// Whether other processes may listen on the same address.
    pub reuse_port: bool,
}

/// Who connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// A proxy, if it is among the trusted ones.
    Auto,
    /// Clients themselves.
    Direct,
    /// A proxy that keeps connections open.
    Proxied,
}

impl Server {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            listen: section.get("listen", SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            admin_listen: section.get("admin_listen", None),
            trusted_proxies: section.get("trusted_proxies", Vec::new()),
            lame_duck: section.get("lame_duck", Duration::ZERO),
            drain: section.get("drain", Duration::ZERO),
            profile: section.get("profile", Profile::Auto),
            header_timeout: deadline(section, "header_timeout"),
            body_timeout: deadline(section, "body_timeout"),
            request_timeout: deadline(section, "request_timeout"),
            write_timeout: deadline(section, "write_timeout"),
            max_connections: section.get("max_connections", Count(1)).0,
            max_requests: section.get("max_requests", Count(1)).0,
            max_queued: section.get("max_queued", Count(1)).0,
            queue_timeout: section.get("queue_timeout", Duration::ZERO),
            http2: section.get("http2", false),
            reuse_port: section.get("reuse_port", false),
        }
    }
}

fn deadline(section: &mut Section<'_>, key: &str) -> Duration {
    section.get(key, Deadline(Duration::ZERO)).0
}

impl FromSetting for Profile {
    fn from_setting(value: &Value) -> Result<Self, String> {
        match String::from_setting(value).as_deref() {
            Ok("auto") => Ok(Self::Auto),
            Ok("direct") => Ok(Self::Direct),
            Ok("proxied") => Ok(Self::Proxied),
            _ => Err("expected \"auto\", \"direct\" or \"proxied\"".to_owned()),
        }
    }
}

/// How many of something: at least one, and no more than makes sense on any machine.
struct Count(usize);

impl FromSetting for Count {
    fn from_setting(value: &Value) -> Result<Self, String> {
        let count = whole(value, 1, 1_000_000)?;
        Ok(Self(count as usize))
    }
}
