//! The stand-in for ElevenLabs: single-use tokens, and the sockets and the upload they open.

pub(crate) mod access;
pub(crate) mod errors;
mod known;
pub(crate) mod mint;
pub(crate) mod scribe;
mod speech;
mod transcript;
pub(crate) mod tts;
pub(crate) mod upload;
