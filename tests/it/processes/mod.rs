//! What happens to a process as a whole: killed, paused, panicking, its streams closed.

mod accounts;
mod client;
mod killed;
mod minter;
mod panics;
mod paused;
mod streams;

use std::path::Path;

use crate::support::{
    XAI_KEY,
    process::{unlimited, valetkey},
};

/// A server in front of the provider at `base_url`, which limits nobody and records to `audit`.
fn serving(base_url: &str, audit: &str) -> std::process::Command {
    let mut command = valetkey(&["serve"]);
    limitless(&mut command, base_url);
    command.env("VALETKEY__AUDIT__TO", audit);
    command
}

/// As [`serving`], for a command that was made otherwise.
fn limitless(command: &mut std::process::Command, base_url: &str) {
    unlimited(command)
        .env("XAI_API_KEY", XAI_KEY)
        .env("VALETKEY__PROVIDERS__XAI__BASE_URL", base_url);
}

/// The setting for an audit in the file at `path`.
fn file(path: &Path) -> String {
    format!("file:{}", path.display())
}

/// Numbers that look like chance and are the same for the same seed (SplitMix64).
struct Chance(u64);

impl Chance {
    /// Any number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
