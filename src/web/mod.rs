//! HTTP: the routes, what every request gets, and what every answer looks like.

mod access_log;
mod body;
mod code;
mod failure;
mod health;
mod layers;
mod object;
mod problem;
mod request_id;
mod router;
mod vend;

pub use problem::{Code, Problem};
pub use router::{admin, public};
