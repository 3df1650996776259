//! The commands: a file each, with its arguments and what it does.

pub mod check;
pub mod healthcheck;
pub mod keygen;
pub mod mint;
pub mod sandbox;
pub mod serve;

mod banner;
mod dumps;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod load;
mod signals;

use std::{
    io::{ErrorKind, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    process::ExitCode,
};

use tokio::net::TcpListener;

use crate::{
    server,
    settings::{Auth, Problems},
};

/// The last words of `--help`.
pub const EXIT_STATUS: &str = "Exit status: 0 done, 1 failed, 2 wrong usage, 78 bad configuration.";

/// `EX_CONFIG` of sysexits(3).
const BAD_CONFIGURATION: u8 = 78;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// The settings will not do.
    Settings(Problems),
    /// Something else, in words.
    Failed(String),
    /// What was typed names something that is not there.
    Usage(String),
}

impl Failure {
    /// Says it on standard error.
    pub fn report(self) -> ExitCode {
        let (text, status) = match self {
            Self::Settings(problems) => (problems.to_string(), BAD_CONFIGURATION),
            Self::Failed(text) => (text, 1),
            Self::Usage(text) => (text, 2),
        };
        // Nobody may be listening; the status still says it.
        let _ = writeln!(std::io::stderr(), "valetkey: {text}");
        ExitCode::from(status)
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::Failed(text)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Opens `address`; `setting` is what to change when that cannot be done.
fn bind(address: SocketAddr, setting: &str) -> Result<TcpListener, String> {
    server::listen(address).map_err(|error| {
        let why = match error.kind() {
            ErrorKind::AddrInUse => "something listens there already".to_owned(),
            ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
            ErrorKind::PermissionDenied => {
                "the system does not allow it (ports below 1024 need privileges)".to_owned()
            }
            _ => error.to_string(),
        };
        format!("cannot listen on {address}: {why}; choose another with {setting}")
    })
}

/// Prints `text` on standard output: what a command was asked for, as opposed to the log.
fn print(text: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout().lock(), "{text}").map_err(Failure::from)
}

/// Says `text` on standard error, beside what a command was asked for. Nobody may be listening.
fn eprint(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Who may ask, in a few words.
fn ways_in(auth: &Auth) -> String {
    let ways = [
        ("caller keys", !auth.keys.is_empty()),
        ("JWTs", !auth.jwt.is_empty()),
        ("the application's word", auth.forward.is_some()),
        ("the proxy's word", auth.proxy_header.is_some()),
        ("anyone", auth.anonymous || !auth.knows_callers()),
    ];
    ways.into_iter().filter(|(_, on)| *on).map(|(way, _)| way).collect::<Vec<_>>().join(", ")
}

/// An address to connect to, for one that is listened on.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
