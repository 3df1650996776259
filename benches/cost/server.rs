//! The servers that are compared. Each takes `POST /session`, asks the stand-in for a token at
//! `POST /v1/single-use-token/realtime_scribe` with the API key that only it knows, and passes on
//! `{"token"}`.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    rc::Rc,
    time::{Duration, Instant},
};

use super::{
    http::{Connection, post},
    process::Process,
    provider::Provider,
    tls::{HOST, Version},
    valetkey::Settings,
};

pub const MINT: &str = "/v1/single-use-token/realtime_scribe";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The stand-in itself, without anybody in front of it.
    Direct,
    Constant,
    Nginx,
    /// In front of the provider's TLS, over which nginx speaks HTTP/1.1.
    NginxTls,
    Valetkey,
    ValetkeyTls(Version),
    Pooled,
    Express,
    FastApi,
    FastApiFresh,
}

impl Kind {
    pub const BEFORE_THE_PROVIDER: [Self; 10] = [
        Self::Constant,
        Self::Nginx,
        Self::NginxTls,
        Self::Valetkey,
        Self::ValetkeyTls(Version::Http1),
        Self::ValetkeyTls(Version::Http2),
        Self::Pooled,
        Self::Express,
        Self::FastApi,
        Self::FastApiFresh,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "the stand-in itself",
            Self::Constant => "axum constant",
            Self::Nginx => "nginx",
            Self::NginxTls => "nginx, TLS and HTTP/1.1",
            Self::Valetkey => "valetkey",
            Self::ValetkeyTls(Version::Http1) => "valetkey, TLS and HTTP/1.1",
            Self::ValetkeyTls(Version::Http2) => "valetkey, TLS and HTTP/2",
            Self::Pooled => "valetkey, pool",
            Self::Express => "Express sample",
            Self::FastApi => "FastAPI sample, one client",
            Self::FastApiFresh => "FastAPI sample, a client per request",
        }
    }
}

/// A server that runs until it is dropped.
pub struct Server {
    pub process: Process,
    pub address: SocketAddr,
    /// What to ask it for a token with, in turn.
    pub requests: Rc<Vec<Vec<u8>>>,
}

impl Server {
    /// Starts `command` and waits for its first answer; and how long that took.
    pub async fn start(
        command: Command,
        folder: tempfile::TempDir,
        address: SocketAddr,
        requests: Vec<Vec<u8>>,
    ) -> (Self, Duration) {
        let begun = Instant::now();
        let shown = format!("{command:?}");
        let mut process = Process::start(command, folder);
        loop {
            if let Ok(mut connection) = Connection::open(address).await
                && connection.ask(&requests[0]).await.is_ok_and(|answer| answer.status() == 200)
            {
                let requests = Rc::new(requests);
                return (Self { process, address, requests }, begun.elapsed());
            }
            let too_late = begun.elapsed() > Duration::from_secs(20);
            assert!(!too_late && !process.has_ended(), "no answer: {shown}\n{}", process.said());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Starts one of them in front of `provider`; and how long that took.
pub async fn start(kind: Kind, provider: &Provider) -> (Server, Duration) {
    start_with(kind, provider, USUAL).await
}

/// As many requests at once as servers are usually made for.
const USUAL: usize = 1024;

/// As `start`, and made for so many requests at once.
pub async fn start_with(kind: Kind, provider: &Provider, at_once: usize) -> (Server, Duration) {
    let (address, folder) = (free_address(), tempfile::tempdir().unwrap());
    let plain = provider.address(None);
    let settings = || Settings::new(provider).at_once(at_once);
    let command = match kind {
        Kind::Direct => unreachable!("it is started with the provider"),
        Kind::Constant => {
            let mut command = role("constant");
            command.arg(address.to_string());
            command
        }
        Kind::Nginx => nginx(&folder, address, provider, None, at_once),
        Kind::NginxTls => nginx(&folder, address, provider, Some(Version::Http1), at_once),
        Kind::Express => express(address, plain),
        Kind::FastApi => fastapi("shared:app", address, plain),
        Kind::FastApiFresh => fastapi("fresh:app", address, plain),
        Kind::Valetkey => return settings().start().await,
        Kind::ValetkeyTls(version) => return settings().tls(provider, version).start().await,
        Kind::Pooled => return settings().pooled().start().await,
    };
    Server::start(command, folder, address, vec![post(address, "/session", &[])]).await
}

/// The API key of the stand-in, who takes any.
pub const KEY: &str = "sk_0123456789abcdef0123456789abcdef";

/// A port that nobody listens on, for a server that is told where to listen.
pub fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// This program in another role.
pub fn role(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg(name);
    command
}

fn nginx(
    folder: &tempfile::TempDir,
    address: SocketAddr,
    provider: &Provider,
    tls: Option<Version>,
    at_once: usize,
) -> Command {
    let template = fs::read_to_string(samples().join("nginx.conf")).unwrap();
    let text = template
        .replace("$FOLDER", &folder.path().display().to_string())
        .replace("$LISTEN", &address.to_string())
        .replace("$PROVIDER", &provider.address(tls).to_string())
        .replace("$SCHEME", if tls.is_some() { "https" } else { "http" })
        .replace("$HOST", HOST)
        .replace("$CERTIFICATE", &provider.certificate().display().to_string())
        .replace("$KEY", KEY)
        // Its workers share the callers out unevenly, and count the provider's connections as well.
        .replace("$CONNECTIONS", &(2 * at_once).to_string());
    let file = folder.path().join("nginx.conf");
    fs::write(&file, text).unwrap();
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder.path()).arg("-c").arg(file);
    command
}

fn express(address: SocketAddr, provider: SocketAddr) -> Command {
    let mut command = Command::new("node");
    command.arg(installed().join("express/server.mjs")).env("NODE_ENV", "production");
    told(&mut command, address, provider);
    command
}

fn fastapi(app: &str, address: SocketAddr, provider: SocketAddr) -> Command {
    let mut command = Command::new(installed().join("fastapi/bin/uvicorn"));
    let port = address.port().to_string();
    command.args([app, "--port", &port, "--no-access-log", "--log-level", "warning"]);
    command.arg("--app-dir").arg(samples().join("fastapi")).env("PYTHONDONTWRITEBYTECODE", "1");
    told(&mut command, address, provider);
    command
}

/// What the samples read from the environment; a developer's proxy is not for loopback.
fn told(command: &mut Command, address: SocketAddr, provider: SocketAddr) {
    command
        .env("PORT", address.port().to_string())
        .env("PROVIDER", format!("http://{provider}"))
        .env("API_KEY", KEY)
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1");
}

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/cost/samples")
}

/// Where `scripts/bench` puts what the samples need.
fn installed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench")
}
