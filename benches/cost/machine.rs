//! Where it was measured, and what; and what the bench asks of the system for itself.

use std::{fs, process::Command};

use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};

/// As many descriptors as the largest measurement would like to have.
const DESCRIPTORS: u64 = 65_536;

/// Raises the limit of open files, for this process and for all that it starts, and says what it is.
pub fn raise_descriptors() -> u64 {
    let hard = getrlimit(Resource::Nofile).maximum;
    let to = |limit, maximum| Rlimit { current: Some(limit), maximum };
    // Beyond the hard limit only root may go.
    let beyond = to(DESCRIPTORS, Some(hard.unwrap_or(DESCRIPTORS).max(DESCRIPTORS)));
    if setrlimit(Resource::Nofile, beyond).is_err() {
        let _ = setrlimit(Resource::Nofile, to(hard.unwrap_or(DESCRIPTORS), hard));
    }
    getrlimit(Resource::Nofile).current.unwrap_or(DESCRIPTORS)
}

/// The processors that this process may use.
pub fn processors() -> Vec<usize> {
    let set = sched_getaffinity(None).unwrap();
    (0..CpuSet::MAX_CPU).filter(|number| set.is_set(*number)).collect()
}

/// From now on this thread, and what it starts, runs on these processors only.
pub fn pin(processors: &[usize]) {
    let mut set = CpuSet::new();
    processors.iter().for_each(|number| set.set(*number));
    sched_setaffinity(None, &set).unwrap();
}

/// The lines that say where and what was measured.
pub fn facts(descriptors: u64) -> String {
    let model = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split_once(": ")).map_or("unknown", |(_, it)| it);
    let memory = super::process::field("/proc/meminfo", "MemTotal:").unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let dirty = !said("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty();
    format!(
        "- Commit {}{}.\n- {} processors ({model}), {} GiB, Linux {}, load average {load} at the end; \
         at most {descriptors} open files.\n- {}, Node {}, {}.\n",
        said("git", &["rev-parse", "--short=12", "HEAD"]),
        if dirty { ", with changes" } else { "" },
        processors().len(),
        memory / (1 << 20),
        kernel.trim(),
        said("nginx", &["-v"]).trim_start_matches("nginx version: "),
        said("node", &["--version"]).trim_start_matches('v'),
        said("target/bench/fastapi/bin/python", &["--version"]),
    )
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|it| [it.stdout, it.stderr].concat()).unwrap_or_default();
    String::from_utf8_lossy(&text).trim().to_owned()
}
