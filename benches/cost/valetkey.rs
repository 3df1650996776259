//! valetkey as in production, with everything on: a caller key, limits that are enforced and never
//! reached, the record in a file, the log of requests as JSON, metrics.

use std::{fmt::Write as _, fs, net::SocketAddr, path::Path, process::Command, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};

use super::{
    http::post,
    provider::Provider,
    server::{KEY, Server, free_address},
    tls::Version,
};

/// What differs from measurement to measurement.
#[derive(Clone)]
pub struct Settings {
    program: String,
    /// The provider's base URL, and how it is trusted.
    provider: String,
    pool: bool,
    /// How many caller keys there are; each is used in turn.
    keys: usize,
    /// How many token types there are besides the usual ones; each is asked for in turn.
    types: usize,
    /// From how many addresses it is asked, in turn; 0: from this machine's own.
    addresses: usize,
    /// How many requests are worked on at once.
    at_once: usize,
    /// The admin listener.
    pub admin: SocketAddr,
}

/// How many tokens a pool holds.
pub const POOL_SIZE: u64 = 10_000;

/// The most mints at once that fill a pool (docs/pool.md).
pub const MOST_REFILLS: u32 = 64;

impl Settings {
    pub fn new(provider: &Provider) -> Self {
        Self {
            program: program(),
            provider: format!("base_url = \"{}\"", provider.url(None)),
            pool: false,
            keys: 1,
            types: 0,
            addresses: 0,
            at_once: 1024,
            admin: free_address(),
        }
    }

    /// Asks the provider over TLS, where it speaks `version`.
    pub fn tls(self, provider: &Provider, version: Version) -> Self {
        let (url, ca) = (provider.url(Some(version)), provider.certificate());
        let provider = format!("base_url = \"{url}\"\nca = \"file:{}\"", ca.display());
        Self { provider, ..self }
    }

    /// Of another build.
    pub fn program(self, program: &str) -> Self {
        Self { program: program.to_owned(), ..self }
    }

    pub fn pooled(self) -> Self {
        Self { pool: true, ..self }
    }

    pub fn keys(self, keys: usize) -> Self {
        Self { keys, ..self }
    }

    pub fn types(self, types: usize) -> Self {
        Self { types, ..self }
    }

    pub fn addresses(self, addresses: usize) -> Self {
        Self { addresses, ..self }
    }

    pub fn at_once(self, at_once: usize) -> Self {
        Self { at_once, ..self }
    }

    /// Starts one; and how long that took.
    pub async fn start(&self) -> (Server, Duration) {
        let (address, folder) = (free_address(), tempfile::tempdir().unwrap());
        let command = self.command(address, folder.path());
        Server::start(command, folder, address, self.requests(address)).await
    }

    fn command(&self, address: SocketAddr, folder: &Path) -> Command {
        let file = folder.join("valetkey.toml");
        fs::write(&file, self.text()).unwrap();
        let mut command = Command::new(&self.program);
        command
            .args(["serve", "--listen", &address.to_string(), "--config"])
            .arg(file)
            .env_clear()
            .env("ELEVENLABS_API_KEY", KEY)
            .env("VALETKEY__AUDIT__TO", format!("file:{}", folder.join("audit.log").display()));
        command
    }

    /// As many as there are ways to ask that differ.
    fn requests(&self, address: SocketAddr) -> Vec<Vec<u8>> {
        let one = |number: usize| {
            let credential = format!("Bearer {}", key(number % self.keys));
            let from = format!("10.{}.{}.{}", number >> 16, (number >> 8) & 255, number & 255);
            let mut headers = vec![("authorization", &*credential)];
            if self.addresses > 0 {
                headers.push(("x-forwarded-for", &*from));
            }
            match self.types {
                0 => post(address, "/session", &headers),
                types => post(address, &format!("/tokens/type_{}", number % types), &headers),
            }
        };
        (0..self.keys.max(self.types).max(self.addresses)).map(one).collect()
    }

    fn text(&self) -> String {
        let Self { provider, admin, at_once, .. } = self;
        let mut text = format!(
            r#"
[server]
admin_listen = "{admin}"
trusted_proxies = ["127.0.0.1/32"]
max_requests = {at_once}
request_timeout = "90s"
[log]
format = "json"
[session]
token = "realtime_scribe"
[providers.elevenlabs]
{provider}
timeout = "60s"
"#
        );
        for limit in ["address", "caller", "caller_token", "token"] {
            let wide = "rate = \"1000000/s\"\nquota = \"1000000/s\"";
            let _ = writeln!(text, "[limits.{limit}]\nmode = \"enforce\"\n{wide}");
        }
        for number in 0..self.keys {
            let _ = write!(text, "[[auth.keys]]\nid = \"caller-{number}\"\nsha256 = \"");
            for byte in digest(&SHA256, key(number).as_bytes()).as_ref() {
                let _ = write!(text, "{byte:02x}");
            }
            text += "\"\n";
        }
        for number in 0..self.types {
            let what = "provider = \"elevenlabs\"\nproduct = \"realtime_scribe\"";
            let _ = writeln!(text, "[tokens.type_{number}]\n{what}");
        }
        if self.pool {
            let how = format!("size = {POOL_SIZE}\nmin_remaining = \"1m\"");
            let _ = writeln!(text, "[tokens.realtime_scribe.pool]\n{how}");
        }
        text
    }
}

/// The program as it is released, if the bench was told where that is. That which comes with the bench is
/// built with what tests need.
pub fn program() -> String {
    let told = std::env::args().find_map(|it| it.strip_prefix("--program=").map(str::to_owned));
    told.unwrap_or_else(|| env!("CARGO_BIN_EXE_valetkey").to_owned())
}

/// The caller key of this number.
fn key(number: usize) -> String {
    format!("vk_{number:043}")
}
