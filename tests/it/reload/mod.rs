//! Settings that change while the server runs: the real program, files and signals.

mod bad;
mod caches;
mod files;
mod good;
mod pool;
mod process;
mod provider;
mod restart;
mod secrets;
mod signals;
mod under_load;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    http::{Answer, client},
    process::{Server, until, valetkey},
};
use provider::Provider;

/// The key that the provider takes.
const KEY: &str = "xai-first-canary";

/// A server whose settings are in a file that the test changes.
struct Running {
    server: Server,
    provider: Provider,
    folder: TempDir,
}

/// The settings of all tests: one provider, whose key is in a file.
fn base(folder: &Path, provider: &Provider, watch: &str) -> String {
    let key = folder.join("key").display().to_string();
    format!(
        "[reload]\nwatch = \"{watch}\"\n[providers.xai]\nbase_url = \"{}\"\napi_keys = \
         [\"file:{key}\"]\n",
        provider.url
    )
}

/// A command that serves with these settings, which it writes to where a test changes them.
fn serving(folder: &Path, settings: &str) -> Command {
    let path = folder.join("settings.toml");
    fs::write(&path, settings).unwrap();
    let mut command = valetkey(&["serve", "--config"]);
    command.arg(path);
    command
}

impl Running {
    /// Told by signals alone.
    fn start(settings: &str) -> Self {
        Self::start_watching("off", settings)
    }

    /// Looks at its files `watch` so often.
    fn start_watching(watch: &str, settings: &str) -> Self {
        Self::started(|folder, provider| {
            Server::start(&mut serving(folder, &(base(folder, provider, watch) + settings)))
        })
    }

    /// Started by `start`, which gets a folder with the key in it and the provider that takes it.
    fn started(start: impl FnOnce(&Path, &Provider) -> Server) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("key"), format!("{KEY}\n")).unwrap();
        let provider = Provider::taking(&[KEY]);
        let server = start(folder.path(), &provider);
        Self { server, provider, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces a file as one should: another is renamed over it.
    fn replace(&self, name: &str, text: &str) {
        fs::write(self.path("new"), text).unwrap();
        fs::rename(self.path("new"), self.path(name)).unwrap();
    }

    /// The whole text of the settings, with `settings` besides those of all tests.
    fn text(&self, watch: &str, settings: &str) -> String {
        base(self.folder.path(), &self.provider, watch) + settings
    }

    /// Changes the settings and says so, and waits for what becomes of them.
    async fn reload(&self, settings: &str) -> Value {
        self.replace("settings.toml", &self.text("off", settings));
        self.hang_up().await
    }

    /// Says that settings changed, and waits for what becomes of that.
    async fn hang_up(&self) -> Value {
        let before = self.tried().await;
        self.server.signal("HUP");
        self.until(async || (self.tried().await > before).then_some(())).await;
        self.detail().await
    }

    /// What `/readyz` of the admin listener says of the settings.
    async fn detail(&self) -> Value {
        self.server.get_admin("/readyz").await.json()["settings"].clone()
    }

    /// The same, once it is `wanted`.
    async fn detail_when(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        self.until(async || Some(self.detail().await).filter(&wanted)).await
    }

    async fn until<T>(&self, done: impl AsyncFn() -> Option<T>) -> T {
        until(done, || self.server.output()).await
    }

    /// The value of a metric.
    async fn metric(&self, sample: &str) -> u64 {
        self.server.metric(sample).await
    }

    /// How often settings were read again.
    async fn tried(&self) -> u64 {
        self.metric("valetkey_reloads_total").await
    }

    fn post(&self, path: &str) -> RequestBuilder {
        client().post(format!("{}{path}", self.server.url))
    }

    /// Which key the provider saw for a new token, or the code of the problem.
    async fn mint(&self) -> String {
        let answer = Answer::to(self.post("/session")).await;
        if !answer.status.is_success() {
            return answer.code();
        }
        let token = answer.json()["value"].as_str().unwrap().to_owned();
        token.strip_prefix("token-").unwrap().rsplit_once('-').unwrap().0.chars().rev().collect()
    }

    /// Whether a page of `origin` may read what is answered.
    async fn welcomes(&self, origin: &str) -> bool {
        let request = client()
            .request(Method::OPTIONS, format!("{}/session", self.server.url))
            .header("origin", origin)
            .header("access-control-request-method", "POST");
        Answer::to(request).await.header("access-control-allow-origin") == Some(origin)
    }

    /// The log's lines with this message, once there are `count`.
    fn lines(&self, count: usize, message: &str) -> Vec<Value> {
        self.server.log_lines(count, |line| line["message"].as_str().unwrap().contains(message))
    }
}

/// How the log calls settings that came into effect, and those that did not.
const IN_EFFECT: &str = "settings in effect";
const REFUSED: &str = "will not do";
