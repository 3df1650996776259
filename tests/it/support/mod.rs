//! What the tests stand on.

pub mod certificate;
pub mod fixture;
pub mod http;
pub mod page;
pub mod process;
pub mod provider;
pub mod redis;
pub mod socket;

pub use valetkey::sandbox::{ELEVENLABS_KEY, XAI_KEY};
