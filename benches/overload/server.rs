//! The real program in front of a provider, with the limits of callers out of the way.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use reqwest::Client;
use serde_json::Value;

/// A server that runs until it is dropped.
pub struct Server {
    child: Child,
    _folder: tempfile::TempDir,
    /// Where callers connect.
    pub url: String,
    /// The admin listener.
    pub admin: String,
}

impl Server {
    /// Starts one in front of the provider at `base_url`, with `settings` besides.
    pub fn start(base_url: &str, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let audit = format!("file:{}", folder.path().join("audit.log").display());
        let mut child = Command::new(env!("CARGO_BIN_EXE_valetkey"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env_clear()
            .env("ELEVENLABS_API_KEY", "key-of-the-stand-in")
            .env("VALETKEY__SERVER__ADMIN_LISTEN", "127.0.0.1:0")
            .env("VALETKEY__PROVIDERS__ELEVENLABS__BASE_URL", base_url)
            .env("VALETKEY__SESSION__TOKEN", "realtime_scribe")
            .env("VALETKEY__LIMITS__ADDRESS__MODE", "off")
            .env("VALETKEY__LIMITS__CALLER__MODE", "off")
            .env("VALETKEY__LIMITS__TOKEN__MODE", "off")
            .env("VALETKEY__AUDIT__TO", audit)
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut said = String::new();
        let listening = lines.by_ref().find_map(|line| {
            said += &line;
            let line: Value = serde_json::from_str(&line).ok()?;
            (line["message"] == "listening").then_some(line)
        });
        let listening = listening.unwrap_or_else(|| panic!("the server does not start: {said}"));
        let at = |key: &str| format!("http://{}", listening[key].as_str().unwrap());
        let (url, admin) = (at("listen"), at("admin_listen"));
        // It must be able to go on writing.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, _folder: folder, url, admin }
    }

    /// How much memory it has, in MiB.
    pub fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }

    /// The sum of the samples of a counter.
    pub async fn counter(&self, client: &Client, name: &str) -> f64 {
        let text = client.get(format!("{}/metrics", self.admin)).send().await.unwrap();
        let text = text.text().await.unwrap();
        let samples = text.lines().filter_map(|line| line.strip_prefix(name));
        samples.filter_map(|rest| rest.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
