//! A provider that knows which key it is asked with, and a server in front of it.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::support::{
    http::{Answer, client},
    process::{Server, valetkey},
    provider,
};

/// The keys, canaries as well: nothing may print them.
pub const FIRST: &str = "sk_canary_first_0123456789abcdef";
pub const SECOND: &str = "sk_canary_second_0123456789abcdef";

/// What the provider does with a request.
#[derive(Clone, Copy)]
pub enum Reply {
    /// A token that nobody else gets.
    Token,
    /// This status with these headers, each with its line end, and this body.
    Status(u16, &'static str, &'static str),
    /// It closes the connection without a word.
    Hangup,
}

pub const REVOKED: Reply = Reply::Status(401, "", r#"{"detail":{"status":"invalid_api_key"}}"#);

/// What a request was.
pub struct Asked<'a> {
    pub key: &'a str,
    /// The last part of the path.
    pub product: &'a str,
    /// How many came before it.
    pub number: usize,
    /// How many came before it on its connection.
    pub on_connection: usize,
}

/// Guarded providers and the one that they ask.
pub struct Scene {
    pub server: Server,
    /// One for all requests: making one takes longer than a request.
    client: reqwest::Client,
    asked: Arc<Mutex<BTreeMap<String, usize>>>,
}

/// A server with these keys in front of a provider that replies so.
pub fn scene(
    keys: &[&str],
    reply: impl Fn(Asked<'_>) -> Reply + Clone + Send + Sync + 'static,
) -> Scene {
    let asked = Arc::<Mutex<BTreeMap<String, usize>>>::default();
    let (counts, number) = (asked.clone(), Arc::new(AtomicUsize::new(0)));
    let url = provider::serving(move |stream| {
        for on_connection in 0.. {
            let Some((key, product)) = read_request(&mut BufReader::new(stream)) else { return };
            *counts.lock().unwrap().entry(key.clone()).or_default() += 1;
            let number = number.fetch_add(1, Ordering::Relaxed);
            if !write(
                stream,
                number,
                &reply(Asked { key: &key, product: &product, number, on_connection }),
            ) {
                return;
            }
        }
    });
    let names: Vec<_> = (0..keys.len()).map(|n| format!("env:KEY_{n}")).collect();
    let mut command = valetkey(&["serve"]);
    for (n, key) in keys.iter().enumerate() {
        command.env(format!("KEY_{n}"), key);
    }
    for limit in ["ADDRESS", "CALLER", "TOKEN"] {
        command.env(format!("VALETKEY__LIMITS__{limit}__MODE"), "off");
    }
    let server = Server::start(
        command
            .env("VALETKEY__PROVIDERS__ELEVENLABS__API_KEYS", names.join(","))
            .env("VALETKEY__PROVIDERS__ELEVENLABS__BASE_URL", url),
    );
    Scene { server, client: client(), asked }
}

/// The key and the product of one request without a body, which is read whole.
fn read_request(reader: &mut BufReader<&TcpStream>) -> Option<(String, String)> {
    let (mut key, mut product) = (None, None);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return None;
        }
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("xi-api-key")
        {
            key = Some(value.trim().to_owned());
        }
        if product.is_none() {
            product = line.split(' ').nth(1)?.rsplit('/').next().map(str::to_owned);
        }
        if line == "\r\n" {
            return key.zip(product);
        }
    }
}

/// Whether the connection goes on.
fn write(mut stream: &TcpStream, number: usize, reply: &Reply) -> bool {
    let token = format!(r#"{{"token":"sutkn_{number}"}}"#);
    let (status, headers, body) = match reply {
        Reply::Token => (200, "", token.as_str()),
        Reply::Status(status, headers, body) => (*status, *headers, *body),
        Reply::Hangup => return false,
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status} x\r\n{headers}content-length: {length}\r\n\r\n");
    stream.write_all((head + body).as_bytes()).is_ok() && !headers.contains("close")
}

impl Scene {
    pub async fn mint(&self) -> Answer {
        self.mint_type("realtime_scribe").await
    }

    pub async fn mint_type(&self, token_type: &str) -> Answer {
        let request = self.client.post(format!("{}/tokens/{token_type}", self.server.url));
        Answer::of(request.send().await.unwrap()).await
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
        self.server.get_admin("/metrics").await.text
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
