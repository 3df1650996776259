//! Settings that need a restart.

use std::fs;

use serde_json::json;

use super::{KEY, Running, base, serving};
use crate::support::process::Server;

const NEED: &str = "need a restart";

#[tokio::test]
async fn they_say_so_and_everything_else_applies() {
    let running = Running::start("");
    let settings = "[server]\nmax_connections = 5\nbody_timeout = \"9s\"\n[log]\nfilter = \"error\"\n\
                    [audit]\nto = \"off\"\n[origins]\nallowed = [\"https://late.example\"]\n";
    let detail = running.reload(settings).await;
    let keys = json!(["audit.to", "log.filter", "server.max_connections"]);
    assert_eq!((&detail["needs_restart"], &detail["failed"]), (&keys, &json!(null)));
    assert!(running.welcomes("https://late.example").await);
    let line = running.lines(1, NEED).pop().expect("the log is as it was");
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["keys"], "audit.to, log.filter, server.max_connections");
    assert_eq!(
        running.lines(1, "settings in effect")[0]["changed"],
        "origins.allowed, server.body_timeout"
    );
    assert_eq!(running.mint().await, KEY);
    running.server.wait_for_stdout("\"outcome\":\"vended\"");

    assert_eq!(running.hang_up().await["needs_restart"], keys, "it is not forgotten");
    assert_eq!(running.lines(1, NEED).len(), 1, "nor said again");
    let detail = running.reload("[origins]\nallowed = [\"https://late.example\"]\n").await;
    assert_eq!(detail["needs_restart"], json!([]));
    assert_eq!(detail["reloads"], 3);
}

#[tokio::test]
async fn a_secret_that_is_read_at_the_start_needs_one_too() {
    let running = Running::started(|folder, provider| {
        let (base, path) = (base(folder, provider, "100ms"), folder.join("hash_key"));
        fs::write(&path, "0123456789abcdef".repeat(2)).unwrap();
        let store = "[limits]\nstore = \"redis://127.0.0.1:1\"\n";
        let key = format!("[identity]\nhash_key = \"file:{}\"\n", path.display());
        Server::start(&mut serving(folder, &format!("{base}{store}{key}")))
    });
    running.replace("hash_key", &"fedcba9876543210".repeat(2));
    let detail = running.detail_when(|it| it["reloads"] == 1).await;
    assert_eq!(detail["needs_restart"], json!(["identity.hash_key"]));
    running.replace("hash_key", "short");
    let detail = running.detail_when(|it| it["failed"].is_object()).await;
    assert!(detail["failed"]["problems"][0].as_str().unwrap().contains("at least 32 bytes"));
}
