//! Waiting for files to change.
//!
//! They are looked at every now and then. The system's own word of changes (inotify) is not to be had
//! for network mounts and overlays, and is easily lost where an orchestrator swaps links.

use std::{path::PathBuf, time::Duration};

use tokio::{task::spawn_blocking, time::sleep};

use super::Files;

/// The longest time between two looks at files that are changing.
const SETTLING: Duration = Duration::from_millis(250);

/// The same after a signal: whoever sends one has finished writing, most likely.
const SETTLING_AFTER_SIGNAL: Duration = Duration::from_millis(20);

/// How often files that keep changing are looked at before they are read regardless.
const MAX_LOOKS: u32 = 5;

/// Waits until one of `files` looks different and has come to rest, looking at them `every` so often;
/// for ever, where that is never. Which one it is.
pub(super) async fn change(files: &Files, every: Option<Duration>) -> PathBuf {
    let Some(every) = every else { return std::future::pending().await };
    loop {
        sleep(every).await;
        let Some(now) = again(files).await else { continue };
        let Some(path) = now.first_change(files) else { continue };
        let path = path.to_owned();
        settle(now, every.min(SETTLING)).await;
        return path;
    }
}

/// Waits until those of `files` that look different just now have come to rest.
pub(super) async fn rest(files: &Files) {
    match again(files).await {
        Some(now) if now != *files => settle(now, SETTLING_AFTER_SIGNAL).await,
        _ => (),
    }
}

/// Waits until two looks in a row see the same: what is half written is seldom what is meant.
async fn settle(mut last: Files, pause: Duration) {
    for _ in 1..MAX_LOOKS {
        sleep(pause).await;
        match again(&last).await {
            Some(now) if now != last => last = now,
            _ => return,
        }
    }
}

/// How `files` look now. A file system that hangs must not make anyone else wait.
async fn again(files: &Files) -> Option<Files> {
    let files = files.clone();
    spawn_blocking(move || files.again()).await.ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tokio::time::{Instant, timeout};

    use super::*;

    const EVERY: Duration = Duration::from_millis(20);

    fn watched() -> (tempfile::NamedTempFile, Files) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut files = Files::default();
        files.look_at([file.path().to_owned()]);
        (file, files)
    }

    #[tokio::test]
    async fn what_does_not_change_is_not_reported() {
        let (file, files) = watched();
        assert!(timeout(EVERY * 10, change(&files, Some(EVERY))).await.is_err());
        fs::write(file.path(), "x").unwrap();
        assert!(timeout(EVERY * 10, change(&files, None)).await.is_err(), "it is off");
        assert_eq!(change(&files, Some(EVERY)).await, file.path());
    }

    #[tokio::test]
    async fn a_file_is_read_when_it_is_at_rest_or_never_is() {
        let (file, files) = watched();
        let path = file.path().to_owned();
        let writing = tokio::spawn(async move {
            for length in 1.. {
                fs::write(&path, "x".repeat(length)).unwrap();
                sleep(EVERY / 4).await;
            }
        });
        let begun = Instant::now();
        change(&files, Some(EVERY)).await;
        assert!(begun.elapsed() >= EVERY * MAX_LOOKS, "it was still being written");
        writing.abort();
    }
}
