//! Requests at a constant rate, whatever becomes of those before.

use std::time::{Duration, Instant};

use reqwest::{Client, StatusCode};
use tokio::task::JoinSet;

/// The latencies of answers of one kind, in milliseconds, from the time that each request was due.
#[derive(Debug)]
pub struct Latencies {
    millis: Vec<f64>,
    lasted: Duration,
}

impl Latencies {
    fn new(mut millis: Vec<f64>, lasted: Duration) -> Self {
        millis.sort_unstable_by(f64::total_cmp);
        Self { millis, lasted }
    }

    pub fn per_second(&self) -> f64 {
        self.millis.len() as f64 / self.lasted.as_secs_f64()
    }

    /// 0 where there are none.
    pub fn percentile(&self, part: f64) -> f64 {
        let at = (self.millis.len() as f64 * part) as usize;
        self.millis.get(at.min(self.millis.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

/// What was answered.
pub struct Answered {
    pub vended: Latencies,
    pub refused: Latencies,
    pub health: Latencies,
    /// Anything else: other statuses, broken connections.
    pub odd: Vec<String>,
}

/// Asks for `per_second` tokens for as long as `lasts`, and for health ten times a second.
pub async fn ask(client: &Client, url: &str, per_second: f64, lasts: Duration) -> Answered {
    let watch = tokio::spawn(health(client.clone(), format!("{url}/healthz"), lasts));
    let begun = Instant::now();
    let mut requests = JoinSet::new();
    for number in 0..(per_second * lasts.as_secs_f64()) as u64 {
        let due = begun + Duration::from_secs_f64(number as f64 / per_second);
        tokio::time::sleep_until(due.into()).await;
        let request = client.post(format!("{url}/session"));
        requests.spawn(async move {
            let status = request.send().await.map(|answer| answer.status());
            (status.map_err(|error| error.to_string()), millis(due))
        });
    }
    let (mut vended, mut refused, mut odd) = (Vec::new(), Vec::new(), Vec::new());
    for (status, took) in requests.join_all().await {
        match status {
            Ok(StatusCode::OK) => vended.push(took),
            Ok(StatusCode::SERVICE_UNAVAILABLE) => refused.push(took),
            Ok(other) => odd.push(other.to_string()),
            Err(error) => odd.push(error),
        }
    }
    Answered {
        vended: Latencies::new(vended, lasts),
        refused: Latencies::new(refused, lasts),
        health: Latencies::new(watch.await.unwrap(), lasts),
        odd,
    }
}

async fn health(client: Client, url: String, lasts: Duration) -> Vec<f64> {
    let (begun, mut found) = (Instant::now(), Vec::new());
    while begun.elapsed() < lasts {
        let asked = Instant::now();
        let answer = client.get(&url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        found.push(millis(asked));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    found
}

fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}
