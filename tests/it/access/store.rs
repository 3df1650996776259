//! Limits that replicas share in a Redis, over the real program.

use serde_json::Value;

use super::{Guarded, answer, file, hash, outcome};
use crate::support::{
    XAI_KEY,
    http::client,
    process::{Server, until, valetkey},
    redis::Redis,
};

const HASH_KEY: &str = "canary-hash-key-of-at-least-32-bytes";

fn settings(quota: u32) -> String {
    format!(
        "[limits]\nstore = \"env:REDIS_URL\"\n[limits.caller]\nrate = \"off\"\nquota = \
         \"{quota}/h\"\n[[auth.keys]]\nid = \"canary-caller\"\nsha256 = \"{}\"\n",
        hash("vk_a")
    )
}

fn guarded(redis: &Redis, quota: u32) -> Guarded {
    let env = [("REDIS_URL", redis.url()), ("VALETKEY_HASH_KEY", HASH_KEY.to_owned())];
    let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Guarded::start_with(&settings(quota), &env)
}

/// What `/readyz` of the admin listener says of the limits, once it is `wanted`.
async fn wait_for_store(server: &Server, wanted: &str) {
    let is_wanted = async || {
        let detail = server.get_admin("/readyz").await.json();
        detail["limits"]["counted_in"].as_str().unwrap().starts_with(wanted).then_some(())
    };
    until(is_wanted, || format!("not {wanted}")).await;
}

/// How many requests a replica decided without Redis.
async fn decided_alone(server: &Server) -> usize {
    let count = server.metric("valetkey_limit_decisions_without_store_total").await;
    usize::try_from(count).unwrap()
}

/// Eight replicas, one caller at ten times the limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn replicas_race_past_a_limit_never() {
    const REPLICAS: usize = 8;
    const QUOTA: usize = 40;
    let redis = Redis::start();
    let stand_ins = Server::stand_ins();
    let file = file(&settings(QUOTA.try_into().unwrap()));
    let replica = |_| {
        let mut command = valetkey(&["serve", "--config"]);
        command
            .arg(file.path())
            .env("XAI_API_KEY", XAI_KEY)
            .env("REDIS_URL", redis.url())
            .env("VALETKEY_HASH_KEY", HASH_KEY)
            .env("VALETKEY__PROVIDERS__XAI__BASE_URL", &stand_ins.stand_ins);
        Server::start(&mut command)
    };
    let fleet: Vec<Server> = (0..REPLICAS).map(replica).collect();
    for server in &fleet {
        wait_for_store(server, "redis").await;
    }
    // All replicas at once, each with one request after the other.
    let lanes = fleet.iter().map(|server| {
        let url = format!("{}/session", server.url);
        tokio::spawn(async move {
            let mut vended = 0;
            for _ in 0..10 * QUOTA / REPLICAS {
                let answer = answer(client().post(&url).bearer_auth("vk_a")).await;
                match answer.status.as_u16() {
                    200 => vended += 1,
                    _ => assert_eq!(answer.code(), "quota_exhausted"),
                }
            }
            vended
        })
    });
    let mut vended = 0;
    for lane in lanes.collect::<Vec<_>>() {
        vended += lane.await.unwrap();
    }
    // On a machine so busy that Redis' answer takes over 25 ms, a replica goes by its own count, and
    // says so: those are all that may come on top.
    let mut alone = 0;
    for server in &fleet {
        alone += decided_alone(server).await;
    }
    assert!(vended <= QUOTA + alone, "{vended} were vended where {QUOTA} may be, {alone} alone");
    assert!(vended >= QUOTA, "only {vended} of {QUOTA}");
    assert_eq!(stand_ins.history().await.len(), vended);
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn redis_refused_at_boot_then_there_then_killed_then_restarted() {
    let mut redis = Redis::absent();
    let guarded = guarded(&redis, 1000);
    let request = guarded.session().bearer_auth("vk_a");
    let ask = || request.try_clone().unwrap();
    assert_eq!(outcome(ask()).await, "ok", "it vends without");
    wait_for_store(&guarded.server, "memory, because").await;
    let said = |line: &Value| line["message"].as_str().is_some_and(|text| text.contains("Redis"));
    guarded.server.log_line(|line| said(line) && line["level"] == "WARN");
    redis.appear();
    wait_for_store(&guarded.server, "redis").await;
    guarded.server.log_line(|line| said(line) && line["level"] == "INFO");
    let calls = redis.calls();
    assert_eq!(outcome(ask()).await, "ok");
    assert!(redis.calls() > calls, "it is asked again");
    redis.kill();
    for _ in 0..10 {
        assert_eq!(outcome(ask()).await, "ok");
    }
    wait_for_store(&guarded.server, "memory, because").await;
    assert_eq!(guarded.server.metric("valetkey_limit_store_up").await, 0);
    redis.appear();
    wait_for_store(&guarded.server, "redis").await;
    assert_eq!(guarded.server.metric("valetkey_limit_store_up").await, 1);
    let output = guarded.server.end();
    assert!(!output.contains("canary-redis") && !output.contains(HASH_KEY), "{output}");
}
