//! Standard streams that are closed, full or read by nobody.

use std::{
    fs::{self, File},
    process::{Command, Stdio},
    thread,
};

use super::{file, limitless, minter::Minter};
use crate::support::{
    free_port,
    http::{client, post},
    process::{Server, Unread, until},
};

/// A server whose streams a shell has redirected like that, with its audit on standard output.
fn redirected(redirections: &str, base_url: &str) -> Command {
    in_a_shell(&format!("exec \"$@\" {redirections}"), base_url)
}

/// A server that is the arguments of a script.
fn in_a_shell(script: &str, base_url: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_valetkey"), "serve"]).env_clear();
    limitless(&mut command, base_url);
    command
}

async fn outcome(server: &Server) -> String {
    server.post("/session").await.outcome()
}

#[tokio::test]
async fn a_closed_standard_output_is_said_once_and_vends() {
    let minter = Minter::start(1);
    for redirection in [">&-", ">/dev/null"] {
        let server = Server::start(&mut redirected(redirection, &minter.url()));
        assert_eq!(outcome(&server).await, "ok");
        let said = |it: &serde_json::Value| {
            it["message"].as_str().unwrap().contains("the audit goes to /dev/null")
        };
        let warnings = server.log_lines(1, said);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert_eq!(warnings[0]["level"], "WARN");
        assert_eq!(server.get("/readyz").await.status, 200);
    }
    let open = Server::start(&mut redirected("", &minter.url()));
    assert!(!open.output().contains("/dev/null"), "{}", open.output());
}

#[tokio::test]
async fn a_full_standard_output_mints_nothing() {
    let minter = Minter::start(2);
    let server = Server::start(&mut redirected(">/dev/full", &minter.url()));
    for _ in 0..3 {
        assert_eq!(outcome(&server).await, "audit_unavailable");
    }
    let log = server.end();
    assert_eq!(log.matches("the audit takes no records").count(), 1, "{log}");
    assert_eq!(minter.stop().0, 0, "the provider was asked");
}

/// A file that may not grow any more (`ulimit -f`, `LimitFSIZE=`) is a full disk, and no end.
#[tokio::test]
async fn a_file_at_its_limit_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit.log");
    fs::write(&audit, "{}\n".repeat(2_000)).unwrap();
    let minter = Minter::start(6);
    let mut command = in_a_shell("ulimit -f 12; exec \"$@\"", &minter.url());
    command.env("VALETKEY__AUDIT__TO", file(&audit));
    let mut server = Server::start(&mut command);
    let mut outcomes = Vec::new();
    while outcomes.last().is_none_or(|it| it == "ok") {
        outcomes.push(outcome(&server).await);
    }
    assert_eq!(outcomes.pop().unwrap(), "audit_unavailable");
    assert_eq!(server.get("/healthz").await.status, 200, "it lives");
    assert_eq!(server.terminate(), Some(0));
}

/// Whoever read the audit ended (EPIPE). With a new reader it goes on.
#[tokio::test]
async fn a_reader_that_went_away_ends_neither_the_process_nor_the_audit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let minter = Minter::start(3);
    let opened = path.clone();
    let reader = thread::spawn(move || File::open(opened).unwrap());
    let to = format!(">'{}'", path.display());
    let mut command = redirected(&to, &minter.url());
    // What was not minted is not counted: otherwise the second token would be one too many.
    command.env("VALETKEY__LIMITS__CALLER__QUOTA", "2/d");
    let server = Server::start(&mut command);
    let reader = reader.join().unwrap();
    assert_eq!(outcome(&server).await, "ok");
    drop(reader);
    assert_eq!(outcome(&server).await, "audit_unavailable");
    assert_eq!(minter.seen(), 1, "the provider was asked without an intent");
    assert_eq!(server.get("/readyz").await.status, 200);

    let again = File::open(&path).unwrap();
    let goes_on = async || {
        let outcome = outcome(&server).await;
        assert!(["ok", "audit_unavailable"].contains(&outcome.as_str()), "{outcome}");
        (outcome == "ok").then_some(())
    };
    until(goes_on, || server.output()).await;
    assert_eq!(outcome(&server).await, "quota_exhausted", "what was minted is counted");
    drop(again);
}

/// Nobody hears the log, and all else goes on.
#[tokio::test]
async fn a_closed_standard_error_is_missed_by_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit.log");
    let address = format!("127.0.0.1:{}", free_port());
    let minter = Minter::start(4);
    let mut command = redirected(&format!(">'{}' 2>&-", audit.display()), &minter.url());
    command.args(["--listen", &address]).env("VALETKEY__SERVER__ADMIN_LISTEN", "off");
    command.env("VALETKEY__SERVER__LAME_DUCK", "0s").stdin(Stdio::null());
    let child = Unread(command.spawn().unwrap());
    let answers = async || client().get(format!("http://{address}/readyz")).send().await.ok();
    until(answers, || "it does not start".to_owned()).await;
    assert_eq!(post(&format!("http://{address}/session")).await.status, 200);
    let text = fs::read_to_string(&audit).unwrap();
    assert!(text.lines().all(|line| line.starts_with("{\"time\"")) && text.lines().count() == 2);
    assert_eq!(child.terminate(), Some(0));
}
