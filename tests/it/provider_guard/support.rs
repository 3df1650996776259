//! A provider that knows which key it is asked with, and a server in front of it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use crate::support::{
    http::Answer,
    process::{Server, unlimited, valetkey},
    provider::{self, ProviderRequest, ScriptedProvider},
};

/// The keys, canaries as well: nothing may print them.
pub const FIRST: &str = "sk_canary_first_0123456789abcdef";
pub const SECOND: &str = "sk_canary_second_0123456789abcdef";

/// What the provider does with a request.
#[derive(Clone, Copy)]
pub enum Reply {
    /// A token that nobody else gets.
    Token,
    /// As [`Self::Token`], and the connection is closed.
    LastToken,
    /// This status with these headers, each with its line end, and this body.
    Status(u16, &'static str, &'static str),
    /// It closes the connection without a word.
    Hangup,
}

pub const REVOKED: Reply = Reply::Status(401, "", r#"{"detail":{"status":"invalid_api_key"}}"#);

/// Guarded providers and the one that they ask.
pub struct Scene {
    pub server: Server,
    asked: Arc<Mutex<BTreeMap<String, usize>>>,
}

/// A server with these keys in front of a provider that replies so.
pub fn scene(
    keys: &[&str],
    reply: impl Fn(&ProviderRequest) -> Reply + Clone + Send + 'static,
) -> Scene {
    let asked = Arc::<Mutex<BTreeMap<String, usize>>>::default();
    let counts = asked.clone();
    let provider = ScriptedProvider::start(move |request| {
        *counts.lock().unwrap().entry(request.key().to_owned()).or_default() += 1;
        let token = format!(r#"{{"token":"sutkn_{}"}}"#, request.number);
        match reply(request) {
            Reply::Token => Some(provider::answer(200, "", &token)),
            Reply::LastToken => Some(provider::answer(200, "connection: close\r\n", &token)),
            Reply::Status(status, headers, body) => Some(provider::answer(status, headers, body)),
            Reply::Hangup => None,
        }
    });
    let names: Vec<_> = (0..keys.len()).map(|n| format!("env:KEY_{n}")).collect();
    let mut command = valetkey(&["serve"]);
    for (n, key) in keys.iter().enumerate() {
        command.env(format!("KEY_{n}"), key);
    }
    let server = Server::start(
        unlimited(&mut command)
            .env("VALETKEY__PROVIDERS__ELEVENLABS__API_KEYS", names.join(","))
            .env("VALETKEY__PROVIDERS__ELEVENLABS__BASE_URL", provider.url),
    );
    Scene { server, asked }
}

impl Scene {
    pub async fn mint(&self) -> Answer {
        self.mint_type("realtime_scribe").await
    }

    pub async fn mint_type(&self, token_type: &str) -> Answer {
        self.server.post(&format!("/tokens/{token_type}")).await
    }

    /// How often the provider was asked with `key`.
    pub fn asked_with(&self, key: &str) -> usize {
        self.asked.lock().unwrap().get(key).copied().unwrap_or_default()
    }

    /// How often the provider was asked.
    pub fn asked(&self) -> usize {
        self.asked.lock().unwrap().values().sum()
    }

    pub async fn metrics(&self) -> String {
        self.server.metrics().await
    }

    /// The log lines that have `text` in their message, once there is one.
    pub fn log(&self, text: &str) -> Vec<serde_json::Value> {
        self.server
            .log_lines(1, |line| line["message"].as_str().is_some_and(|it| it.contains(text)))
    }

    /// Ends it: no key may have been in any output, in full or in part.
    pub fn end(self) {
        let output = self.server.end();
        assert!(!output.contains("canary"), "{output}");
    }
}
