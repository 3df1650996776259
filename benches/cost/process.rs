//! A server as the operating system sees it: what it and its children use of processors and memory.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// A process and its children, until it is dropped.
pub struct Process {
    child: Child,
    folder: tempfile::TempDir,
}

impl Process {
    /// Starts `command`; what it writes goes into a file in `folder`, as in production, where neither
    /// a terminal nor a pipe's reader takes its time.
    pub fn start(mut command: Command, folder: tempfile::TempDir) -> Self {
        let output =
            |name| fs::File::options().create(true).append(true).open(folder.path().join(name));
        let child = command
            .stdin(Stdio::piped())
            .stdout(output("stdout").unwrap())
            .stderr(output("stderr").unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { child, folder }
    }

    /// What it wrote, for someone who wonders why it does not run.
    pub fn said(&self) -> String {
        let read = |name| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        let said = read("stdout") + &read("stderr");
        said.lines().take(20).collect::<Vec<_>>().join("\n")
    }

    /// Throws away what it wrote into its folder: some of it grows by megabytes a second.
    pub fn forget(&self) {
        for entry in fs::read_dir(self.folder.path()).unwrap().flatten() {
            let is_log = |path: &Path| path.extension().is_none_or(|it| it == "log");
            if entry.path().is_file() && is_log(&entry.path()) {
                let file = fs::File::options().write(true).open(entry.path());
                file.and_then(|file| file.set_len(0)).unwrap();
            }
        }
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    fn ids(&self) -> Vec<u32> {
        tree(self.child.id())
    }

    /// How long all of its threads have run on a processor, in the kernel or not.
    pub fn cpu(&self) -> Duration {
        self.ids().into_iter().map(|id| Duration::from_nanos(nanoseconds(id))).sum()
    }

    /// Its share of the memory that it has in use, in KiB.
    pub fn pss_kib(&self) -> u64 {
        let of = |id| field(&format!("/proc/{id}/smaps_rollup"), "Pss:");
        self.ids().into_iter().filter_map(of).sum()
    }

    /// The memory that it has in use, that which it shares counted in full, in KiB.
    pub fn resident_kib(&self) -> u64 {
        let of = |id| field(&format!("/proc/{id}/status"), "VmRSS:");
        self.ids().into_iter().filter_map(of).sum()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let pid = |id| Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
        let (ids, begun) = (self.ids(), Instant::now());
        let _ = kill_process(pid(self.child.id()), Signal::TERM);
        // nginx has workers to end, and no server has anything to lose.
        while begun.elapsed() < Duration::from_millis(300) && !self.has_ended() {
            std::thread::sleep(Duration::from_millis(10));
        }
        if !self.has_ended() {
            for id in ids {
                let _ = kill_process(pid(id), Signal::KILL);
            }
        }
        let _ = self.child.wait();
    }
}

/// A process, its children and theirs.
fn tree(root: u32) -> Vec<u32> {
    let mut children = BTreeMap::<u32, Vec<u32>>::new();
    for id in numbered("/proc") {
        // Behind the name, which is in parentheses and may hold anything: state, parent.
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let parent =
            stat.rsplit_once(')').and_then(|(_, rest)| rest.split(' ').nth(2)?.parse().ok());
        children.entry(parent.unwrap_or_default()).or_default().push(id);
    }
    let (mut found, mut next) = (vec![root], 0);
    while let Some(&id) = found.get(next) {
        found.extend(children.remove(&id).unwrap_or_default());
        next += 1;
    }
    found
}

/// The scheduler's own account, thread by thread; where the kernel keeps none, the one in ticks.
fn nanoseconds(id: u32) -> u64 {
    let threads = numbered(&format!("/proc/{id}/task"));
    let of = |thread| {
        let text = fs::read_to_string(format!("/proc/{id}/task/{thread}/schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    };
    match threads.into_iter().filter_map(of).sum() {
        0 => ticks(id) * 10_000_000,
        exact => exact,
    }
}

/// utime and stime, in hundredths of a second (proc_pid_stat(5)).
fn ticks(id: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    rest.split(' ').skip(12).take(2).filter_map(|text| text.parse::<u64>().ok()).sum()
}

fn numbered(folder: &str) -> Vec<u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The number behind `name` in a file of the kernel's.
pub fn field(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(PathBuf::from(path)).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}
