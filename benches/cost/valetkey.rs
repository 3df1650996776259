//! valetkey as in production, with everything on: a caller key, limits that are enforced and never
//! reached, the record in a file, the log of requests as JSON, metrics.

use std::{fmt::Write as _, fs, net::SocketAddr, process::Command, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};

use super::{
    http::post,
    server::{KEY, Server, free_address},
};

/// What differs from measurement to measurement.
#[derive(Clone)]
pub struct Settings {
    provider: SocketAddr,
    pool: Option<Pool>,
    /// How many caller keys there are.
    pub keys: usize,
    /// How many token types there are besides the usual ones.
    pub types: usize,
    /// The admin listener.
    pub admin: SocketAddr,
}

/// A pool's settings.
#[derive(Clone, Copy)]
pub struct Pool {
    pub size: usize,
    /// The most mints at once that fill it.
    pub refills: usize,
}

impl Settings {
    pub fn new(provider: SocketAddr) -> Self {
        Self { provider, pool: None, keys: 1, types: 0, admin: free_address() }
    }

    pub fn pool(mut self) -> Self {
        self.pool = Some(Pool { size: 10_000, refills: 32 });
        self
    }

    fn text(&self) -> String {
        let Self { provider, admin, .. } = self;
        let mut text = format!(
            r#"
[server]
admin_listen = "{admin}"
trusted_proxies = ["127.0.0.1/32"]
max_connections = 65536
max_requests = 16384
request_timeout = "90s"
[log]
format = "json"
[session]
token = "realtime_scribe"
[providers.elevenlabs]
base_url = "http://{provider}"
timeout = "60s"
"#
        );
        for limit in ["address", "caller", "caller_token", "token"] {
            let wide = "rate = \"1000000/s\"\nquota = \"1000000/s\"";
            let _ = writeln!(text, "[limits.{limit}]\nmode = \"enforce\"\n{wide}");
        }
        for number in 0..self.keys {
            let hash = digest(&SHA256, key(number).as_bytes());
            let _ = write!(text, "[[auth.keys]]\nid = \"caller-{number}\"\nsha256 = \"");
            for byte in hash.as_ref() {
                let _ = write!(text, "{byte:02x}");
            }
            text += "\"\n";
        }
        for number in 0..self.types {
            let _ = write!(
                text,
                "[tokens.type_{number}]\nprovider = \"elevenlabs\"\nproduct = \"realtime_scribe\"\n"
            );
        }
        if let Some(Pool { size, refills }) = self.pool {
            let _ =
                write!(text, "[tokens.realtime_scribe.pool]\nkeys = {size}\nrefills = {refills}\n");
        }
        text
    }
}

/// The caller key of this number.
pub fn key(number: usize) -> String {
    format!("vk_{number:043}")
}

/// Starts one.
pub async fn start(settings: &Settings) -> (Server, Duration) {
    let (address, folder) = (free_address(), tempfile::tempdir().unwrap());
    let file = folder.path().join("valetkey.toml");
    fs::write(&file, settings.text()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_valetkey"));
    command
        .args(["serve", "--listen", &address.to_string(), "--config"])
        .arg(file)
        .env_clear()
        .env("ELEVENLABS_API_KEY", KEY)
        .env("VALETKEY__AUDIT__TO", format!("file:{}", folder.path().join("audit.log").display()));
    let credential = format!("Bearer {}", key(0));
    let request = post(address, "/session", &[("authorization", &credential)]);
    Server::start(command, folder, address, request).await
}
