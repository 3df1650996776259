//! Ways in which files change.

use std::{fs, io::Write as _, os::unix::fs::symlink};

use serde_json::json;

use super::{KEY, Provider, Running, base};
use crate::support::process::{Server, valetkey};

const WATCH: &str = "100ms";

fn origin(name: &str) -> String {
    format!("[origins]\nallowed = [\"https://{name}.example\"]\n")
}

#[tokio::test]
async fn a_file_that_changes_is_read_and_one_that_does_not_is_not() {
    let running = Running::start_watching(WATCH, "");
    running.replace("settings.toml", &running.text(WATCH, &origin("renamed")));
    running.detail_when(|it| it["reloads"] == 1).await;
    assert!(running.welcomes("https://renamed.example").await);
    fs::write(running.path("settings.toml"), running.text(WATCH, &origin("written"))).unwrap();
    running.detail_when(|it| it["reloads"] == 2).await;
    assert!(running.welcomes("https://written.example").await);
    running.replace("settings.toml", &running.text("off", &origin("last")));
    running.detail_when(|it| it["reloads"] == 3).await;
    running.replace("settings.toml", "nonsense");
    running.replace("settings.toml", &running.text(WATCH, &origin("signalled")));
    assert_eq!(running.hang_up().await["reloads"], 4, "with the watch off nothing else was read");
    assert!(running.welcomes("https://signalled.example").await);
    running.replace("settings.toml", &running.text(WATCH, &origin("again")));
    running.detail_when(|it| it["reloads"] == 5).await;
    // Time to look several times more.
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    assert_eq!(running.tried().await, 5, "each was read once");
}

#[tokio::test]
async fn a_file_that_is_written_bit_by_bit_ends_up_whole() {
    let running = Running::start_watching(WATCH, &origin("before"));
    let text = running.text(WATCH, &origin("after"));
    let (half, rest) = text.split_at(text.find("[origins]").unwrap());
    let mut file = fs::File::create(running.path("settings.toml")).unwrap();
    file.write_all(half.as_bytes()).unwrap();
    for letter in ["#", "\n", "#", "\n"] {
        tokio::time::sleep(std::time::Duration::from_millis(60)).await;
        file.write_all(letter.as_bytes()).unwrap();
    }
    file.write_all(rest.as_bytes()).unwrap();
    drop(file);
    running.detail_when(|it| it["reloads"].as_u64() > Some(0)).await;
    running.until(async || running.welcomes("https://after.example").await.then_some(())).await;
}

/// As Kubernetes does it: the files are links through `..data`, which is swapped for another.
#[tokio::test]
async fn a_swapped_link_is_a_change_of_all_behind_it() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Provider::taking(&[KEY, "xai-second"]);
    let base = base(folder.path(), &provider, WATCH);
    let path = |name: &str| folder.path().join(name);
    let publish = |version: &str, settings: &str, key: &str| {
        fs::create_dir(path(version)).unwrap();
        fs::write(path(version).join("settings.toml"), format!("{base}{settings}")).unwrap();
        fs::write(path(version).join("key"), key).unwrap();
        symlink(version, path("..data_tmp")).unwrap();
        fs::rename(path("..data_tmp"), path("..data")).unwrap();
    };
    publish("..2026_01", &origin("one"), KEY);
    symlink("..data/settings.toml", path("settings.toml")).unwrap();
    symlink("..data/key", path("key")).unwrap();
    let server = Server::start(valetkey(&["serve", "--config"]).arg(path("settings.toml")));
    assert!(server.log().iter().all(|it| it["level"] != "ERROR"));
    publish("..2026_02", &origin("two"), "xai-second");
    let running = Running { server, provider, folder };
    let detail = running.detail_when(|it| it["reloads"] == 1).await;
    assert_eq!(detail["failed"], json!(null));
    assert!(running.welcomes("https://two.example").await);
    assert_eq!(running.mint().await, "xai-second");
    fs::remove_dir_all(running.path("..2026_01")).unwrap();
    fs::remove_file(running.path("..data")).unwrap();
    running.detail_when(|it| it["failed"].is_object()).await;
    assert_eq!(running.mint().await, "xai-second");
    symlink("..2026_02", running.path("..data")).unwrap();
    running.detail_when(|it| it["failed"].is_null()).await;
}
