//! The measurements. Each is a section of the result.

pub mod compare;
pub mod cores;
pub mod cost;
pub mod growth;
pub mod latency;
pub mod memory;
mod row;
pub mod start;
