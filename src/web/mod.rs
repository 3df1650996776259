//! HTTP: the routes, what every request gets, and what every answer looks like.

mod access_log;
mod body;
mod code;
mod cors;
mod failure;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod health;
mod layers;
mod mint;
mod outlive;
mod problem;
mod rate_limit;
mod report;
mod request_id;
mod router;
mod server_timing;
mod site;
mod strict;
mod unread;
mod visitor;

pub use layers::Layered;
pub use problem::{Code, Problem, raw_answer};
pub use router::{admin, public};
