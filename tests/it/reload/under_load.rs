//! Reloads while callers ask without a pause: none of them notices.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
};

use tokio::task::JoinSet;

use super::{KEY, Running};
use crate::support::http::{Answer, client};

const CLIENTS: usize = 4;
const NEXT: &str = "xai-second";
const LAST: &str = "xai-third";

/// No limit is in the way.
const UNLIMITED: &str = "[limits.address]\nmode = \"off\"\n[limits.caller]\nmode = \"off\"\n\
                         [limits.token]\nmode = \"off\"\n[audit]\nto = \"off\"\n";

/// Callers that ask again as soon as they are answered, each over a connection of its own.
struct Load {
    clients: JoinSet<Vec<String>>,
    served: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Load {
    fn on(running: &Running) -> Self {
        let (served, stop) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let (url, served, stop) =
                (format!("{}/session", running.server.url), served.clone(), stop.clone());
            clients.spawn(async move {
                let (client, mut failures) = (client(), Vec::new());
                while !stop.load(Relaxed) {
                    match client.post(&url).send().await {
                        Ok(response) if response.status() == 200 => {
                            Answer::of(response).await;
                            served.fetch_add(1, Relaxed);
                        }
                        Ok(response) => failures.push(Answer::of(response).await.text),
                        Err(error) => failures.push(format!("{error:?}")),
                    }
                }
                failures
            });
        }
        Self { clients, served, stop }
    }

    /// Waits until every client has been answered since, more or less.
    async fn goes_on(&self, running: &Running) {
        let enough = self.served.load(Relaxed) + 10 * CLIENTS;
        running.until(async || (self.served.load(Relaxed) >= enough).then_some(())).await;
    }

    /// Ends it: what failed, and how many were served.
    async fn end(self) -> (Vec<String>, usize) {
        self.stop.store(true, Relaxed);
        (self.clients.join_all().await.concat(), self.served.load(Relaxed))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_rotated_and_no_request_is_lost() {
    let running = Running::start_watching("100ms", UNLIMITED);
    let load = Load::on(&running);
    load.goes_on(&running).await;
    for (rotation, (old, new)) in [(KEY, NEXT), (NEXT, LAST)].into_iter().enumerate() {
        // First the provider knows both, then we use the new one, then the old one is revoked.
        running.provider.take(&[old, new]);
        running.replace("key", &format!("{new}\n"));
        running.detail_when(|it| it["reloads"] == rotation as u64 + 1).await;
        load.goes_on(&running).await;
        let used = running.provider.used(old);
        running.provider.take(&[new]);
        load.goes_on(&running).await;
        assert_eq!(running.provider.used(old), used, "the old key is still in use");
        assert!(running.provider.used(new) >= 10);
    }
    let (failures, _) = load.end().await;
    assert!(failures.is_empty(), "{} failed: {}", failures.len(), failures[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn good_bad_and_half_written_settings_one_after_the_other() {
    let running = Running::start_watching("100ms", UNLIMITED);
    let load = Load::on(&running);
    load.goes_on(&running).await;
    let good = |round: usize| {
        let origin = format!("[origins]\nallowed = [\"https://{round}.example\"]\n");
        running.text("100ms", &format!("{UNLIMITED}{origin}"))
    };
    const ROUNDS: usize = 30;
    for round in 0..ROUNDS {
        let good = good(round);
        match round % 3 {
            0 => running.replace("settings.toml", &good),
            1 => running.replace("settings.toml", &format!("{good}[limits]\nmistake = 1\n")),
            // In the middle of a word, in place.
            _ => std::fs::write(running.path("settings.toml"), &good[..good.len() - 5]).unwrap(),
        }
        running.hang_up().await;
    }
    running.replace("settings.toml", &good(ROUNDS));
    let last = format!("https://{ROUNDS}.example");
    running.until(async || running.welcomes(&last).await.then_some(())).await;
    load.goes_on(&running).await;
    let (failures, served) = load.end().await;
    assert!(failures.is_empty(), "{} of {served} failed: {}", failures.len(), failures[0]);
    let failed = running.metric("valetkey_reloads_total{result=\"failed\"}").await;
    let ok = running.metric("valetkey_reloads_total{result=\"ok\"}").await;
    assert!(failed >= 5 && ok >= 5, "{ok} were good and {failed} bad");
    assert_eq!(running.metric("valetkey_last_reload_ok").await, 1);
}
