//! The stand-in for xAI: client secrets and the realtime socket they open.

pub(crate) mod errors;
mod id;
mod known;
pub(crate) mod mint;
pub(crate) mod realtime;
mod reply;
mod session;
