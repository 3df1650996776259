//! Settings that will do.

use serde_json::json;

use super::{IN_EFFECT, KEY, Provider, Running};
use crate::support::{hash, http::Answer, process::Server};

#[tokio::test]
async fn everything_in_them_applies_at_once() {
    let running = Running::start("[origins]\nallowed = [\"https://one.example\"]\n");
    assert_eq!(running.mint().await, KEY);
    assert!(running.welcomes("https://one.example").await);
    assert!(!running.welcomes("https://two.example").await);
    let loaded = running.metric("valetkey_settings_loaded_timestamp_seconds").await;

    let settings = format!(
        "[origins]\nallowed = [\"https://two.example\"]\n\
         [tokens.short]\nprovider = \"xai\"\nproduct = \"realtime\"\nmax_ttl = \"1m\"\nttl = \"1m\"\n\
         [[auth.keys]]\nid = \"late\"\nsha256 = \"{}\"\n\
         [[auth.keys]]\nid = \"lesser\"\nsha256 = \"{}\"\n\
         [[grants]]\nkeys = [\"late\"]\n[[grants]]\nkeys = [\"lesser\"]\ntokens = [\"xai_realtime\"]\n\
         [limits.caller]\nrate = \"2/h\"\n",
        hash("vk_late"),
        hash("vk_lesser"),
    );
    let detail = running.reload(&settings).await;
    assert_eq!(detail["reloads"], 1);
    assert_eq!((&detail["failed"], &detail["needs_restart"]), (&json!(null), &json!([])));
    assert!(detail["loaded_at"].as_u64().unwrap() >= loaded);

    assert_eq!(running.mint().await, "unauthenticated");
    assert!(running.welcomes("https://two.example").await);
    assert!(!running.welcomes("https://one.example").await);
    let ask = |path: &str, key: &str| Answer::to(running.post(path).bearer_auth(key));
    let short = ask("/tokens/short", "vk_late").await;
    assert!((58..=60).contains(&short.json()["expires_in"].as_u64().unwrap()), "{}", short.text);
    assert_eq!(ask("/tokens/short", "vk_lesser").await.code(), "forbidden");
    assert_eq!(ask("/session", "vk_late").await.status, 200);
    assert_eq!(ask("/session", "vk_late").await.code(), "rate_limited");
    let vended = "valetkey_decisions_total{token_type=\"short\",outcome=\"vended\"}";
    assert_eq!(running.metric(vended).await, 1);
    assert_eq!(running.metric("valetkey_reloads_total{result=\"ok\"}").await, 1);
    assert_eq!(running.metric("valetkey_reloads_total{result=\"failed\"}").await, 0);
    assert!(running.metric("valetkey_settings_loaded_timestamp_seconds").await >= loaded);

    let line = running.lines(1, IN_EFFECT).pop().unwrap();
    let changed: Vec<&str> = line["changed"].as_str().unwrap().split(", ").collect();
    for key in ["origins.allowed", "tokens.short.ttl", "auth.keys.0.sha256", "limits.caller.rate"] {
        assert!(changed.contains(&key), "{key}: {line}");
    }
    assert!(!changed.contains(&"reload.watch") && !line.to_string().contains("two.example"));
    assert_eq!(line["secrets_changed"], false);
}

#[tokio::test]
async fn what_was_spent_and_counted_goes_on() {
    let limits = "[limits.caller]\nrate = \"off\"\nquota = \"3/d\"\n";
    let running = Running::start(limits);
    assert_eq!(running.mint().await, KEY);
    assert_eq!(running.mint().await, KEY);
    running.reload(&format!("{limits}[origins]\nallowed = [\"https://a.example\"]\n")).await;
    assert_eq!(running.mint().await, KEY);
    assert_eq!(running.mint().await, "quota_exhausted");
    running.reload("[limits.caller]\nrate = \"off\"\nquota = \"4/d\"\n").await;
    assert_eq!(running.mint().await, KEY);
    assert_eq!(running.mint().await, "quota_exhausted");
    let vended = "valetkey_decisions_total{token_type=\"xai_realtime\",outcome=\"vended\"}";
    assert_eq!(running.metric(vended).await, 4);
}

#[tokio::test]
async fn a_request_in_flight_ends_as_it_began() {
    let running = Running::start("");
    let other = Provider::taking(&["xai-other"]);
    std::fs::write(running.path("other"), "xai-other").unwrap();
    running.provider.hold(true);
    let request = running.post("/tokens/xai_realtime").json(&json!({
        "expires_after": { "seconds": 300 }
    }));
    let request = tokio::spawn(request.send());
    running.until(async || (running.provider.used(KEY) == 1).then_some(())).await;

    let path = running.path("other").display().to_string();
    let settings = format!(
        "[providers.other]\nkind = \"xai\"\nbase_url = \"{}\"\napi_keys = [\"file:{path}\"]\n\
         [tokens.xai_realtime]\nprovider = \"other\"\nmax_ttl = \"1m\"\nttl = \"30s\"\n",
        other.url
    );
    assert_eq!(running.reload(&settings).await["reloads"], 1);
    assert_eq!(running.mint().await, "xai-other");
    let refused = running.post("/session").json(&json!({ "expires_after": { "seconds": 300 } }));
    assert_eq!(Answer::to(refused).await.code(), "invalid_request");
    running.provider.hold(false);
    let answer = Answer::of(request.await.unwrap().unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let backwards: String = KEY.chars().rev().collect();
    assert!(answer.json()["token"].as_str().unwrap().contains(&backwards));
    assert!(
        (290..=300).contains(&answer.json()["expires_in"].as_u64().unwrap()),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn the_sandbox_too() {
    let running = Running::started(|folder, _| {
        let path = folder.join("settings.toml");
        std::fs::write(&path, "").unwrap();
        Server::sandbox(&["--config", path.to_str().unwrap()])
    });
    running.replace("settings.toml", "[tokens.late]\nprovider = \"xai\"\nproduct = \"realtime\"\n");
    assert_eq!(running.hang_up().await["failed"], json!(null));
    let late = Answer::to(running.post("/tokens/late")).await;
    assert_eq!(late.status, 200, "{}", late.text);
    assert!(late.json()["url"].as_str().unwrap().starts_with("ws://127.0.0.1:"), "{}", late.text);
    assert_eq!(late.header("valetkey-sandbox"), Some("1"));
}
