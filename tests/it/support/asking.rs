//! What a test asks of a server, of its admin listener and of its stand-ins.

use serde_json::{Value, json};

use super::{
    http::{Answer, client, get, post, post_json},
    process::Server,
    wait::until,
};

impl Server {
    /// Asks the public listener for `path`.
    pub async fn get(&self, path: &str) -> Answer {
        get(&format!("{}{path}", self.url)).await
    }

    /// Asks the admin listener for `path`.
    pub async fn get_admin(&self, path: &str) -> Answer {
        get(&format!("{}{path}", self.admin)).await
    }

    /// Posts nothing to `path` of the public listener.
    pub async fn post(&self, path: &str) -> Answer {
        post(&format!("{}{path}", self.url)).await
    }

    /// Posts `body` as JSON, whatever it is.
    pub async fn post_json(&self, path: &str, body: impl Into<String>) -> Answer {
        post_json(&format!("{}{path}", self.url), body).await
    }

    /// The metrics, as they are served.
    pub async fn metrics(&self) -> String {
        self.get_admin("/metrics").await.text
    }

    /// The value of a metric, as [`value`] reads it.
    pub async fn metric(&self, name: &str) -> u64 {
        value(&self.metrics().await, name)
    }

    /// Waits until `wanted` accepts the value of a metric.
    pub async fn wait_for_metric(&self, name: &str, wanted: impl Fn(u64) -> bool) {
        until(async || wanted(self.metric(name).await).then_some(()), || name.to_owned()).await;
    }

    /// Has the stand-ins fail in these ways, and in no other.
    pub async fn set_faults(&self, faults: &[&str]) {
        let request = client().put(format!("{}/_sandbox/faults", self.stand_ins));
        let answer = Answer::to(request.body(json!(faults).to_string())).await;
        assert!(answer.status.is_success(), "{faults:?}: {}", answer.text);
    }

    /// The requests that reached the stand-ins so far.
    pub async fn history(&self) -> Vec<Value> {
        let history = get(&format!("{}/_sandbox/history", self.stand_ins)).await.json();
        history.as_array().unwrap().clone()
    }
}

/// The value of a metric in this text: the sum of all samples with this name and, if they are given, these
/// labels.
pub fn value(metrics: &str, name: &str) -> u64 {
    let value = |line: &str| {
        let (sample, value) = line.rsplit_once(' ')?;
        let is_it = sample == name || sample.split('{').next() == Some(name);
        is_it.then(|| value.parse::<f64>().unwrap() as u64)
    };
    let sum = metrics.lines().filter_map(value).reduce(|sum, value| sum + value);
    sum.unwrap_or_else(|| panic!("no {name} in {metrics}"))
}
