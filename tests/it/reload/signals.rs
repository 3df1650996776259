//! SIGHUP, at every time.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    process::Command,
};

use serde_json::json;

use super::{KEY, Running, base, serving};
use crate::support::process::{Server, signal, valetkey, wait_for};

/// A server whose settings are in a pipe: reading them takes until someone writes them.
fn piped(while_it_reads: impl FnOnce(&str) + Send + 'static) -> (Running, String) {
    let running = Running::started(|folder, provider| {
        let (pipe, text) = (folder.join("pipe"), base(folder, provider, "100ms"));
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let path = pipe.clone();
        let feeding = std::thread::spawn(move || feed(&path, &text, while_it_reads));
        let server = Server::start(valetkey(&["serve", "--config"]).arg(&pipe));
        feeding.join().unwrap();
        server
    });
    let text = running.text("100ms", "");
    (running, text)
}

/// Waits until `pipe` is read, does something meanwhile, given who reads it, and writes `text`.
fn feed(pipe: &Path, text: &str, meanwhile: impl FnOnce(&str)) {
    let mut file = OpenOptions::new().write(true).open(pipe).unwrap();
    meanwhile(&process_with(pipe));
    file.write_all(text.as_bytes()).unwrap();
}

/// The process that has `path` on its command line.
fn process_with(path: &Path) -> String {
    let path = path.to_str().unwrap();
    let processes = fs::read_dir("/proc").unwrap().map(|it| it.unwrap().path());
    let has = |it: &std::path::PathBuf| {
        fs::read_to_string(it.join("cmdline")).is_ok_and(|text| text.contains(path))
    };
    let found = { processes }.find(has).expect("nobody reads it");
    found.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Sends it, and waits until it has arrived: on a busy machine that may be after what it should come before.
fn hang_up(process: &str) {
    signal(process.parse().unwrap(), "HUP");
    let has_arrived = || {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let pending = status.lines().find_map(|line| line.strip_prefix("ShdPnd:")).unwrap();
        let pending = u64::from_str_radix(pending.trim(), 16).unwrap();
        (pending & 1 == 0).then_some(())
    };
    wait_for(has_arrived, || "SIGHUP is still on its way".to_owned());
}

#[tokio::test]
async fn one_during_the_start_ends_nothing_and_is_heeded_after_it() {
    let (running, text) = piped(hang_up);
    let pipe = running.path("pipe");
    tokio::task::spawn_blocking(move || feed(&pipe, &text, |_| ())).await.unwrap();
    assert_eq!(running.detail_when(|it| it["reloads"] == 1).await["failed"], json!(null));
    assert_eq!(running.mint().await, KEY);
}

#[tokio::test]
async fn those_that_come_meanwhile_are_one_more() {
    let (running, text) = piped(|_| ());
    let pipe = running.path("pipe");
    running.server.signal("HUP");
    for (reloads, signals) in [(1, 10), (2, 0)] {
        let (pipe, text) = (pipe.clone(), text.clone());
        let send = move |process: &str| (0..signals).for_each(|_| hang_up(process));
        tokio::task::spawn_blocking(move || feed(&pipe, &text, send)).await.unwrap();
        running.detail_when(|it| it["reloads"] == reloads).await;
    }
    assert_eq!(running.mint().await, KEY);
    let open = OpenOptions::new().write(true).custom_flags(NONBLOCK).open(&pipe);
    assert!(open.is_err(), "it reads once more");
    assert_eq!(running.lines(2, "SIGHUP").len(), 2);
}

/// `O_NONBLOCK` of Linux: opening a pipe that nobody reads is an error.
const NONBLOCK: i32 = 0o4000;

#[tokio::test]
async fn one_while_it_stops_is_passed_over() {
    let running = Running::started(|folder, provider| {
        let mut command = serving(folder, &base(folder, provider, "100ms"));
        Server::start_with(&mut command, "20s", "1s")
    });
    let mut server = running.server;
    server.signal("TERM");
    server.log_line(|line| line["message"].as_str().unwrap().starts_with("stopping"));
    server.signal("HUP");
    server.log_line(|line| line["message"].as_str().unwrap().contains("is stopping"));
    assert_eq!(server.terminate(), Some(0));
    assert!(!server.output().contains("reading the settings again"));
}
