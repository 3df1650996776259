//! The two experiments.

use std::time::Duration;

use reqwest::Client;

use super::{
    load::{Latencies, ask},
    provider::{Answers, Provider},
    server::Server,
};

/// How long the provider takes.
const LATENCY: Duration = Duration::from_millis(50);

/// Tokens per second that can be vended, where so many requests are worked on at once.
pub fn capacity(at_once: u32) -> f64 {
    f64::from(at_once) / LATENCY.as_secs_f64()
}

/// How it went at one rate.
pub struct Overload {
    /// The rate, in capacities.
    pub times: f64,
    pub vended: Latencies,
    pub refused: Latencies,
    pub health: Latencies,
    pub odd: Vec<String>,
    pub resident_mib: f64,
}

/// Asks a server that works on `at_once` requests for each of these multiples of what it can give.
pub async fn overload(at_once: u32, times: &[f64], lasts: Duration) -> Vec<Overload> {
    let provider = Provider::start(Answers::Token(LATENCY)).await;
    let (capacity, at_once) = (capacity(at_once), at_once.to_string());
    let settings = [("VALETKEY__SERVER__MAX_REQUESTS", &*at_once)];
    let server = Server::start(&provider.url, &settings);
    let client = client();
    // Connections are opened, and code is warm, before anything is measured.
    ask(&client, server.url(), capacity, lasts / 5).await;
    let mut rows = Vec::new();
    for &times in times {
        let answered = ask(&client, server.url(), times * capacity, lasts).await;
        let (resident_mib, odd) = (server.resident_mib(), answered.odd);
        let (vended, refused, health) = (answered.vended, answered.refused, answered.health);
        rows.push(Overload { times, vended, refused, health, odd, resident_mib });
    }
    rows
}

/// Ways of being down.
#[derive(Clone, Copy, Debug)]
pub enum Down {
    /// Nobody listens.
    Refuses,
    /// Every answer is a 503 that invites to ask again at once.
    Unavailable,
    /// Every answer is a 429 that invites to ask again at once.
    RateLimits,
    /// Every tenth answer is a 503.
    Flaps,
}

impl Down {
    pub const ALL: [Self; 4] = [Self::Refuses, Self::Unavailable, Self::RateLimits, Self::Flaps];

    pub fn name(self) -> &'static str {
        match self {
            Self::Refuses => "refuses connections",
            Self::Unavailable => "answers 503, Retry-After: 0",
            Self::RateLimits => "answers 429, Retry-After: 0",
            Self::Flaps => "answers every tenth with 503",
        }
    }
}

/// What a provider that is down was asked.
pub struct Amplification {
    /// Tokens that callers asked for.
    pub asked: u64,
    /// Requests to the provider.
    pub upstream: u64,
    /// Retries; the breaker may have held back some.
    pub retries: u64,
}

impl Amplification {
    /// Requests to the provider for each token that was asked for.
    pub fn factor(&self) -> f64 {
        self.upstream as f64 / self.asked as f64
    }
}

/// Asks for `count` tokens, sixteen at a time, whose provider is down.
pub async fn amplification(down: Down, count: u64) -> Amplification {
    let answers = match down {
        Down::Refuses | Down::Unavailable => Answers::Status(503),
        Down::RateLimits => Answers::Status(429),
        Down::Flaps => Answers::Flapping(10),
    };
    let provider = Provider::start(answers).await;
    let refuses = matches!(down, Down::Refuses);
    let base_url = if refuses { "http://127.0.0.1:1".to_owned() } else { provider.url.clone() };
    let server = Server::start(&base_url, &[]);
    let client = client();
    let asking = (0..16).map(|_| {
        let (client, url) = (client.clone(), format!("{}/session", server.url()));
        tokio::spawn(async move {
            for _ in 0..count / 16 {
                client.post(&url).send().await.unwrap();
            }
        })
    });
    for asks in asking.collect::<Vec<_>>() {
        asks.await.unwrap();
    }
    let retries = server.counter(&client, "valetkey_provider_retries_total").await as u64;
    // Connections that nobody takes are counted by what the server says of its attempts.
    let attempts = server.counter(&client, "valetkey_provider_requests_total").await as u64;
    let upstream = if refuses { attempts } else { provider.asked() };
    Amplification { asked: count / 16 * 16, upstream, retries }
}

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}
