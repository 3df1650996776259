//! Settings that change while the server runs: read, checked and built as at the start, then put in
//! place of the old ones at once. What will not do changes nothing.
//!
//! It is told by SIGHUP or by looking at the files that the settings came from, those with secrets
//! among them. All of it is one task, so that no two of them overlap; signals that come meanwhile are
//! one more.

mod files;
mod secrets;
mod watch;

pub use files::Files;
pub use secrets::Secrets;

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{signal::unix::Signal, task::spawn_blocking, time::timeout};

use crate::{
    app::{App, Live},
    settings::{Problems, Settings, Tree, needs_restart},
};

/// How long reading may take. A pipe that nobody writes to, or a file system that hangs, takes for ever.
const READING: Duration = Duration::from_secs(5);

/// Settings as they were read.
#[derive(Debug)]
pub struct Read {
    /// The settings.
    pub settings: Settings,
    /// Where their values came from.
    pub tree: Tree,
    /// What the secrets were, told apart and no more.
    pub secrets: Secrets,
    /// All files that were read, or should have been, as they looked before.
    pub files: Files,
}

/// Settings that were read, and what was made of them.
#[derive(Debug)]
pub struct Fresh {
    /// The settings.
    pub read: Read,
    /// What they say, ready to use, if nothing is wrong with them.
    pub live: Result<Live, Problems>,
}

/// Why settings are read again.
#[derive(Debug)]
enum Cause {
    Signal,
    File(PathBuf),
}

/// What settings are compared with.
#[derive(Debug)]
struct Reloading {
    app: App,
    /// Those that the process began with: what needs a restart is as in these.
    started: Started,
    /// Those in effect.
    current: Read,
    /// The files to look at.
    files: Files,
}

#[derive(Debug)]
struct Started {
    tree: Tree,
    secrets: Secrets,
}

/// Has `load` read the settings again whenever `hangup` comes or a file changes, and puts them
/// into effect. `begun` are those that `app` was made of. Never ends.
pub async fn run(
    app: App,
    begun: Read,
    load: impl Fn(&App) -> Fresh + Send + Sync + 'static,
    mut hangup: Signal,
) {
    let load = Arc::new(load);
    let started = Started { tree: begun.tree.clone(), secrets: begun.secrets.clone() };
    let files = begun.files.clone();
    let mut reloading = Reloading { app, started, current: begun, files };
    loop {
        let every = reloading.current.settings.reload.watch;
        let cause = tokio::select! {
            _ = hangup.recv() => Cause::Signal,
            path = watch::change(&reloading.files, every) => Cause::File(path),
        };
        if !reloading.app.is_ready() {
            tracing::info!("the settings are not read again: the server is stopping");
            // A change of files would be seen again and again.
            reloading.files = reloading.files.again();
            continue;
        }
        match &cause {
            Cause::Signal => {
                tracing::info!("reading the settings again: SIGHUP");
                watch::rest(&reloading.files).await;
            }
            Cause::File(path) => {
                tracing::info!(file = %path.display(), "reading the settings again: a file changed");
            }
        }
        let (load, app) = (load.clone(), reloading.app.clone());
        // Reading blocks, and may do so for long.
        match timeout(READING, spawn_blocking(move || load(&app))).await {
            Ok(Ok(fresh)) => reloading.take(fresh),
            Ok(Err(_)) => reloading.refuse(&["reading them failed: this is a bug".to_owned()]),
            Err(_) => reloading.give_up(),
        }
    }
}

impl Reloading {
    /// The thread that reads is left to itself: nothing can end it.
    fn give_up(&mut self) {
        self.files = self.files.again();
        self.refuse(&[
            "reading them takes longer than 5 s: is one of the files a pipe, or on a file \
                       system that hangs?"
                .to_owned(),
        ]);
    }

    fn take(&mut self, fresh: Fresh) {
        let Fresh { read, live } = fresh;
        self.files = read.files.clone();
        match live {
            Ok(live) => self.put_into_effect(read, live),
            Err(problems) => {
                // The old ones go on, and so does looking at where they came from.
                self.files.keep(&self.current.files);
                self.refuse(&problems.lines().collect::<Vec<_>>());
            }
        }
    }

    fn put_into_effect(&mut self, read: Read, live: Live) {
        let at_start = self.changes_at_start(&read);
        let (at_start_before, failed) = {
            let before = self.app.loads();
            (before.needs_restart, before.failed.is_some())
        };
        let changed: Vec<String> = read.tree.changes(&self.current.tree);
        let changed: Vec<&str> =
            changed.iter().map(String::as_str).filter(|key| !needs_restart(key)).collect();
        let secrets_changed = read.secrets != self.current.secrets;
        let names = (read.settings.tokens.keys(), read.settings.providers.keys());
        self.app.metrics().know(names.0, names.1);
        self.app.reloaded(live, at_start.clone());
        let message = if failed {
            "settings in effect, after some that were not"
        } else {
            "settings in effect"
        };
        tracing::info!(changed = changed.join(", "), secrets_changed, "{message}");
        if !at_start.is_empty() && at_start != at_start_before {
            let keys = at_start.join(", ");
            tracing::warn!(keys, "these settings changed, too, and need a restart");
        }
        self.current = read;
    }

    /// What is other than at the start, and is read at the start only.
    fn changes_at_start(&self, read: &Read) -> Vec<String> {
        let mut keys = read.tree.changes(&self.started.tree);
        keys.extend(read.secrets.changes(&self.started.secrets));
        keys.retain(|key| needs_restart(key));
        keys.sort();
        keys.dedup();
        keys
    }

    fn refuse(&self, problems: &[String]) {
        self.app.not_reloaded(problems.to_vec());
        let count = problems.len();
        for problem in problems {
            tracing::error!(
                problem,
                count,
                "the settings were read again and will not do: nothing changed"
            );
        }
    }
}
