//! What every layer may use: the clock, secrets, backoff, a sliding window, strict JSON, and
//! helpers for headers and hex. It uses nothing of the rest.

pub mod backoff;
pub mod chance;
pub mod clock;
pub mod header;
pub mod hex;
pub mod secret;
pub mod strict_json;
pub mod window;
