//! The integration tests, in one binary: the real program, real sockets, real signals.
#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]
#![allow(unreachable_pub, reason = "nothing uses a test from outside")]
#![allow(clippy::disallowed_methods, reason = "the program is real, and so is its time")]

mod access;
mod access_docs;
mod architecture;
mod canary;
mod command_line;
mod documentation;
mod edge;
mod faults;
mod leaks;
mod limit_store;
mod misbehaving;
mod overload;
mod pool;
mod problems;
mod processes;
mod provider_connections;
mod provider_guard;
mod reload;
mod sandbox;
mod sockets;
mod stopping;
mod support;
mod training;
mod vending;
