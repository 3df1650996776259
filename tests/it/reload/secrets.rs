//! Files that hold secrets.

use std::{fs, os::unix::fs::symlink, process::Command};

use serde_json::json;

use super::{IN_EFFECT, KEY, REFUSED, Running};
use crate::support::process::{Server, valetkey};

const WATCH: &str = "100ms";
const NEXT: &str = "xai-second-canary";

#[tokio::test]
async fn a_key_that_is_rotated_is_used_at_once_without_its_line_end() {
    let running = Running::start_watching(WATCH, "");
    running.provider.take(&[KEY, NEXT]);
    assert_eq!(running.mint().await, KEY);
    running.replace("key", &format!("{NEXT}\r\n"));
    running.detail_when(|it| it["reloads"] == 1).await;
    assert_eq!(running.mint().await, NEXT);
    let line = running.lines(1, IN_EFFECT).pop().unwrap();
    assert_eq!((&line["changed"], &line["secrets_changed"]), (&json!(""), &json!(true)));
    let line = running.lines(1, "a file changed").pop().unwrap();
    assert_eq!(line["file"], running.path("key").display().to_string());
    assert!(!running.server.output().contains("canary"));
}

#[tokio::test]
async fn one_that_is_gone_keeps_the_old_one_with_an_alarm_until_it_is_back() {
    let running = Running::start_watching(WATCH, "");
    running.provider.take(&[KEY, NEXT]);
    let (key, aside) = (running.path("key"), running.path("aside"));
    let cases: [(&str, &dyn Fn()); 6] = [
        ("No such file", &|| fs::remove_file(&key).unwrap()),
        ("is empty", &|| running.replace("key", "")),
        ("is empty", &|| running.replace("key", "\n")),
        ("characters outside ASCII", &|| running.replace("key", "two keys")),
        ("directory", &|| {
            fs::rename(&key, &aside).unwrap();
            fs::create_dir(&key).unwrap();
        }),
        ("No such file", &|| {
            symlink(running.path("nowhere"), running.path("link")).unwrap();
            fs::rename(running.path("link"), &key).unwrap();
        }),
    ];
    for (round, (why, spoil)) in cases.iter().enumerate() {
        let round = round as u64;
        let (current, next) = if round.is_multiple_of(2) { (KEY, NEXT) } else { (NEXT, KEY) };
        assert_eq!(running.mint().await, current);
        spoil();
        let detail = running.detail_when(|it| it["failed"].is_object()).await;
        let problems = detail["failed"]["problems"].to_string();
        assert!(
            problems.contains(why) && problems.contains("providers.xai.api_keys"),
            "{problems}"
        );
        assert_eq!(detail["reloads"], round);
        assert_eq!(running.metric("valetkey_last_reload_ok").await, 0);
        assert_eq!(running.mint().await, current);
        if key.is_dir() {
            fs::remove_dir(&key).unwrap();
        }
        running.replace("key", next);
        let detail = running.detail_when(|it| it["failed"].is_null()).await;
        assert_eq!(detail["reloads"], round + 1, "it recovers by itself");
        assert_eq!(running.mint().await, next);
        assert_eq!(running.metric("valetkey_last_reload_ok").await, 1);
    }
    assert!(running.lines(cases.len(), REFUSED).len() >= cases.len());
    assert!(!running.server.output().contains("canary"));
}

#[tokio::test]
async fn a_file_that_a_variable_names_is_looked_at_too() {
    let running = Running::started(|folder, provider| {
        let mut command = valetkey(&["serve"]);
        command
            .env("XAI_API_KEY_FILE", folder.join("key"))
            .env("VALETKEY__RELOAD__WATCH", WATCH)
            .env("VALETKEY__PROVIDERS__XAI__BASE_URL", &provider.url);
        Server::start(&mut command)
    });
    running.provider.take(&[KEY, NEXT]);
    assert_eq!(running.mint().await, KEY);
    running.replace("key", NEXT);
    running.detail_when(|it| it["reloads"] == 1).await;
    assert_eq!(running.mint().await, NEXT);
}

/// Reading a pipe ends when someone writes to it, and nobody does.
#[tokio::test]
async fn one_that_became_a_pipe_holds_up_nothing() {
    let running = Running::start_watching(WATCH, "");
    running.provider.take(&[KEY, NEXT]);
    let key = running.path("key");
    fs::remove_file(&key).unwrap();
    assert!(Command::new("mkfifo").arg(&key).status().unwrap().success());
    let detail = running.detail_when(|it| it["failed"].to_string().contains("a pipe")).await;
    assert_eq!(detail["reloads"], 0);
    assert_eq!(running.mint().await, KEY);
    fs::remove_file(&key).unwrap();
    running.replace("key", NEXT);
    running.detail_when(|it| it["reloads"] == 1).await;
    assert_eq!(running.mint().await, NEXT);
}
