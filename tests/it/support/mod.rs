//! What the tests stand on.

mod asking;
pub mod certificate;
mod command;
pub mod fixture;
pub mod http;
pub mod page;
pub mod process;
pub mod provider;
pub mod raw;
pub mod redis;
pub mod socket;
mod wait;

use std::io::Write as _;

use tempfile::NamedTempFile;

pub use redis::free_port;
pub use valetkey::sandbox::{ELEVENLABS_KEY, XAI_KEY};

/// The `sha256` of a caller key or a token, as settings and records have it.
pub fn hash(secret: &str) -> String {
    valetkey::base::hex::Hex(&valetkey::caller::sha256(secret)).to_string()
}

/// The time, in Unix seconds.
pub fn now() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

/// A settings file that is gone after the test. It is below `/tmp` wherever others are, for snapshots.
pub fn settings_file(text: &str) -> NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".toml").tempfile_in("/tmp").unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}
