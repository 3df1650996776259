//! Caller keys.

use super::{Guarded, answer, file, hash, outcome};
use crate::support::process::{run, transcript, valetkey};

const KEY: &str = "vk_cR2bH0Y2tR8mC6Qd1VxJ4uE9sPzA7nLkWfTgX5yO3iM";
const PAGE_KEY: &str = "vkp_cR2bH0Y2tR8mC6Qd1VxJ4uE9sPzA7nLkWfTgX5yO3iM";

fn settings() -> String {
    format!(
        r#"
        [[auth.keys]]
        id = "backend"
        sha256 = "{}"
        [[auth.keys]]
        id = "expired"
        sha256 = "{}"
        expires = "2020-01-01"
        [[auth.keys]]
        id = "off"
        sha256 = "{}"
        enabled = false
        [[auth.keys]]
        id = "page"
        sha256 = "{}"
        publishable = true
        origins = ["https://demo.example"]
        "#,
        hash(KEY),
        hash("vk_expired"),
        hash("vk_off"),
        hash(PAGE_KEY),
    )
}

#[tokio::test]
async fn a_caller_key_opens_and_nothing_else_does() {
    let guarded = Guarded::start(&settings());
    let with = |value: &str| guarded.session().header("authorization", value.to_owned());
    assert_eq!(outcome(with(&format!("Bearer {KEY}"))).await, "ok");
    assert_eq!(outcome(with(&format!("bearer  {KEY}"))).await, "ok", "a scheme has no case");
    let wrong = [
        "Bearer vk_wrong",
        "Bearer vk_expired",
        "Bearer vk_off",
        "Bearer nonsense",
        "Bearer",
        "Bearer a.b.c",
        "Basic dXNlcjpwYXNz",
        KEY,
        &format!("Bearer {KEY}x"),
        &format!("Bearer {}", &KEY[..KEY.len() - 1]),
        &format!("Bearer {}", hash(KEY)),
    ];
    let mut told = Vec::new();
    for value in wrong {
        let answer = answer(with(value)).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "unauthenticated"));
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        told.push(answer.json()["detail"].clone());
    }
    told.dedup();
    assert_eq!(told.len(), 1, "an answer tells which check failed: {told:?}");
    assert_eq!(outcome(guarded.session()).await, "unauthenticated");
    let twice = guarded.session().header("authorization", format!("Bearer {KEY}"));
    assert_eq!(outcome(twice.header("authorization", "Bearer x")).await, "unauthenticated");
    assert_eq!(guarded.minted().await, 2);
}

#[tokio::test]
async fn on_the_providers_own_paths_a_key_may_come_in_xi_api_key() {
    let guarded = Guarded::start(&settings());
    let path = "/v1/single-use-token/realtime_scribe";
    assert_eq!(outcome(guarded.post(path).header("xi-api-key", KEY)).await, "ok");
    assert_eq!(outcome(guarded.post(path).bearer_auth(KEY)).await, "ok");
    assert_eq!(outcome(guarded.post(path).header("xi-api-key", "sk_x")).await, "unauthenticated");
    let elsewhere = guarded.post("/tokens/realtime_scribe").header("xi-api-key", KEY);
    assert_eq!(outcome(elsewhere).await, "unauthenticated");
}

#[tokio::test]
async fn key_guessing_and_timing_wrong_keys_are_limited_by_address() {
    let guarded = Guarded::start(&settings());
    let guess = |n: u32| guarded.session().bearer_auth(format!("vk_{n:043}"));
    for n in 0..20 {
        assert_eq!(outcome(guess(n)).await, "unauthenticated", "{n}");
    }
    // On a slow machine one more is admitted meanwhile.
    let mut more = 20;
    while answer(guess(more)).await.code() != "rate_limited" {
        more += 1;
        assert!(more < 30, "they are not limited");
    }
    let right = answer(guarded.session().bearer_auth(KEY)).await;
    assert_eq!(right.code(), "rate_limited", "or a guess could be told from a hit");
    assert_eq!(guarded.minted().await, 0);
}

#[tokio::test]
async fn keygen_makes_a_key_that_opens() {
    let output = run(valetkey(&["keygen", "--id", "ci", "--publishable"]).args([
        "--origin",
        "https://a.example",
        "--origin",
        "http://localhost:5173",
    ]));
    assert!(output.status.success(), "{}", transcript(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    let (key, settings) = text.split_once("\n\n").unwrap();
    assert!(key.starts_with("vkp_") && key.len() == 4 + 43, "{key}");
    assert!(!settings.contains(key) && !String::from_utf8_lossy(&output.stderr).contains(key));
    let guarded = Guarded::start(settings);
    let request = guarded.session().bearer_auth(key).header("origin", "http://localhost:5173");
    assert_eq!(outcome(request).await, "ok");
    let other = String::from_utf8(run(&mut valetkey(&["keygen"])).stdout).unwrap();
    assert!(other.starts_with("vk_") && !other.starts_with(key));
    for wrong in [
        &["--publishable"][..],
        &["--publishable", "--origin", "*"],
        &["--origin", "https://a.example/"],
        &["--id", "a b"],
        &["--id", key],
    ] {
        let refused = run(valetkey(&["keygen"]).args(wrong));
        assert_eq!(refused.status.code(), Some(2), "{wrong:?}: {}", transcript(&refused));
    }
}

#[tokio::test]
async fn keys_can_come_from_the_environment_alone() {
    let guarded = Guarded::start_with(
        "",
        &[
            ("VALETKEY__AUTH__KEYS__0__ID", "first"),
            ("VALETKEY__AUTH__KEYS__0__SHA256", &hash(KEY)),
            ("VALETKEY__AUTH__KEYS__1__ID", "second"),
            ("VALETKEY__AUTH__KEYS__1__SHA256", &hash(PAGE_KEY)),
            ("VALETKEY__AUTH__KEYS__1__PUBLISHABLE", "true"),
            ("VALETKEY__AUTH__KEYS__1__ORIGINS", "https://a.example,https://b.example"),
        ],
    );
    assert_eq!(outcome(guarded.session().bearer_auth(KEY)).await, "ok");
    let page = guarded.session().bearer_auth(PAGE_KEY).header("origin", "https://b.example");
    assert_eq!(outcome(page).await, "ok");
}

#[test]
fn keys_that_cannot_be_told_apart_are_refused() {
    let twice = settings() + &settings();
    let output =
        run(valetkey(&["check", "--config"]).arg(file(&twice).path()).env("XAI_API_KEY", "key"));
    let text = transcript(&output);
    assert_eq!(output.status.code(), Some(78), "{text}");
    assert!(text.contains("auth.keys.4.id") && text.contains("auth.keys.4.sha256"), "{text}");
}
