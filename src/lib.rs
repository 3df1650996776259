//! valetkey vends short-lived tokens for realtime voice providers.
//!
//! It holds the providers' secret keys, decides who may have a token, mints it at the provider and
//! hands it to the browser, which then talks to the provider directly.
//!
//! # The map of the house
//!
//! A request comes in through [`web`]. [`vending::admit`] says whether it may ask: who it is and
//! from which page is for [`caller`] to tell. Its body becomes a [`token::MintRequest`], and
//! [`vending::vend`] gives the token. That is one function: [`policy`] decides and gives a grant,
//! [`limit`] counts, a [`provider`] mints for that grant or has done so ahead; [`gate`] bounds how many do so at once. Every decision goes into the [`audit`].
//! Failures are [`error::Error`]s; only [`web`] knows what they look like over HTTP.
//!
//! All of it stands on an [`app::App`], made once from [`settings::Settings`]; [`server`] serves
//! it until it is told to stop, and [`reload`] puts new settings in place meanwhile. [`cli`] and [`commands`] are what a person types.
//!
//! [`audit`] keeps a record of every decision, without which nothing is vended; [`metrics`] counts
//! them.
//!
//! [`sandbox`] is a program of its own that happens to live here: stand-ins for the providers. It
//! shares no code with the rest, so that it cannot share its mistakes.
//!
//! `fuzzing` is there for tests alone: what must hold whatever bytes arrive.
//!
//! [`base`] is what any of them may use, and uses none of them.
//!
//! Modules form layers; a module uses only what lies below it. `tests/it/architecture.rs` holds the
//! list and fails on any other edge.

pub mod app;
pub mod audit;
pub mod base;
pub mod caller;
pub mod cli;
pub mod commands;
pub mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod gate;
pub mod limit;
pub mod metrics;
pub mod outbound;
pub mod policy;
pub mod provider;
pub mod reload;
pub mod sandbox;
pub mod server;
pub mod settings;
pub mod shape;
pub mod telemetry;
pub mod token;
pub mod vending;
pub mod web;
