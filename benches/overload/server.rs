//! The real program in front of a provider, with the limits of callers out of the way.

use reqwest::Client;

use super::program::Program;

/// A server that runs until it is dropped.
pub struct Server {
    program: Program,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Starts one in front of the provider at `base_url`, with `settings` besides.
    pub fn start(base_url: &str, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let audit = format!("file:{}", folder.path().join("audit.log").display());
        let usual = [
            ("ELEVENLABS_API_KEY", "key-of-the-stand-in"),
            ("VALETKEY__PROVIDERS__ELEVENLABS__BASE_URL", base_url),
            ("VALETKEY__SESSION__TOKEN", "realtime_scribe"),
            ("VALETKEY__LIMITS__ADDRESS__MODE", "off"),
            ("VALETKEY__LIMITS__CALLER__MODE", "off"),
            ("VALETKEY__LIMITS__TOKEN__MODE", "off"),
            ("VALETKEY__AUDIT__TO", &audit),
        ];
        let settings = [&usual, settings].concat();
        let program = Program::start(env!("CARGO_BIN_EXE_valetkey"), &[], &settings);
        Self { program, _folder: folder }
    }

    /// Where callers connect.
    pub fn url(&self) -> &str {
        &self.program.url
    }

    /// How much memory it has, in MiB.
    pub fn resident_mib(&self) -> f64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.program.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }

    /// The sum of the samples of a counter.
    pub async fn counter(&self, client: &Client, name: &str) -> f64 {
        let text = client.get(format!("{}/metrics", self.program.admin)).send().await.unwrap();
        let text = text.text().await.unwrap();
        let samples = text.lines().filter_map(|line| line.strip_prefix(name));
        samples.filter_map(|rest| rest.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    }
}
