//! The program with all the ways on that are to be fast.

use std::{fmt::Write as _, fs};

use aws_lc_rs::digest::{SHA256, digest};
use rustix::process::{Pid, Signal, kill_process};

use super::{program::Program, provider::Provider};

pub const KEY: &str = "vk_0000000000000000000000000000000000000000001";
pub const PUBLISHABLE_KEY: &str = "vkp_0000000000000000000000000000000000000000002";
pub const PAGE: &str = "https://app.example";
pub const ISSUER: &str = "application";
pub const AUDIENCE: &str = "valetkey";
pub const JWT_SECRET: &str = "a-secret-of-the-application-of-32-bytes-or-more";

pub struct Server {
    program: Program,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Starts `program` in front of `provider`. `counts`: the file that it writes its counts to, where it
    /// was built so that it counts.
    pub fn start(program: &str, counts: Option<&str>, provider: &Provider) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [file, audit, certificate] =
            ["valetkey.toml", "audit.log", "provider.pem"].map(|name| folder.path().join(name));
        fs::write(&certificate, &provider.certificate).unwrap();
        fs::write(&file, text(provider, &certificate.display().to_string())).unwrap();
        let mut settings = vec![
            ("VALETKEY__AUDIT__TO", format!("file:{}", audit.display())),
            ("ELEVENLABS_API_KEY", "key-of-the-stand-in".to_owned()),
            ("XAI_API_KEY", "key-of-the-stand-in".to_owned()),
            ("JWT_SECRET", JWT_SECRET.to_owned()),
        ];
        settings.extend(counts.map(|file| ("LLVM_PROFILE_FILE", file.to_owned())));
        let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, &**value)).collect();
        let file = file.display().to_string();
        Self { program: Program::start(program, &["--config", &file], &settings), _folder: folder }
    }

    /// Where callers connect.
    pub fn url(&self) -> &str {
        &self.program.url
    }

    /// The admin listener.
    pub fn admin(&self) -> &str {
        &self.program.admin
    }

    /// Stops it as a service manager would, so that it writes its counts.
    pub fn end(mut self) {
        let child = &mut self.program.child;
        kill_process(Pid::from_child(child), Signal::TERM).unwrap();
        assert!(child.wait().unwrap().success(), "it did not end well");
    }
}

fn text(provider: &Provider, certificate: &str) -> String {
    let Provider { plain, tls, .. } = provider;
    let mut text = format!(
        r#"
[server]
trusted_proxies = ["127.0.0.1/32"]
http2 = true
lame_duck = "0s"
[log]
format = "json"
[session]
token = "realtime_scribe"
[origins]
allowed = ["{PAGE}"]

[providers.elevenlabs]
base_url = "http://{plain}"
[providers.xai]
base_url = "https://localhost:{tls}"
ca = "file:{certificate}"
[tokens.over_http1]
provider = "http1"
product = "realtime_scribe"
[tokens.over_http2]
provider = "http2"
product = "batch_scribe"
[tokens.pooled]
provider = "http2"
product = "realtime_scribe"
[tokens.pooled.pool]
size = 1000

[[auth.keys]]
id = "backend"
sha256 = "{}"
[[auth.keys]]
id = "page"
sha256 = "{}"
publishable = true
origins = ["{PAGE}"]
[[auth.jwt]]
issuer = "{ISSUER}"
audience = "{AUDIENCE}"
secret = "env:JWT_SECRET"
algorithms = ["HS256"]
"#,
        hash(KEY),
        hash(PUBLISHABLE_KEY)
    );
    for version in ["1", "2"] {
        let _ = write!(
            text,
            r#"
[providers.http{version}]
kind = "elevenlabs"
base_url = "https://localhost:{tls}"
api_keys = ["env:ELEVENLABS_API_KEY"]
timeout = "10s"
ca = "file:{certificate}"
http = "{version}"
"#
        );
    }
    for limit in ["address", "failed_authentication", "caller", "caller_token", "token"] {
        let wide = "rate = \"1000000/s\"\nquota = \"1000000/s\"";
        let _ = writeln!(text, "[limits.{limit}]\nmode = \"enforce\"\n{wide}");
    }
    text
}

fn hash(key: &str) -> String {
    let hash = digest(&SHA256, key.as_bytes());
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
