//! Faults: how a stand-in misbehaves, for which requests, for how many.
//!
//! The text form, on the command line as at run time, is `TARGET:SETTING[,SETTING…]`; [`parse`]
//! says what the settings are, [`possible`] on which routes they make sense.
//!
//! A fault that comes from something in front of a provider (`status`, `redirect`, `garbage`,
//! `not_json`, `huge`, `close`, `reset=before`) and `revoked` mint nothing. One that spoils an
//! answer on its way (`hang`, `drip`, `reset=body`, `empty`, `wrong_types`, `nested`, `expiry`,
//! `bad_token`) comes after the request was served: the token exists, and nobody has it.

mod act;
mod error;
mod list;
mod parse;
mod possible;
mod spoil;
mod text;

use std::time::Duration;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::route::{Provider, Route};

pub(crate) use act::{Call, KeyRevoked, ResetAfterFirst, drain, play};
pub use error::FaultError;
pub(crate) use list::{FaultList, TooMany};
pub(crate) use parse::GRAMMAR;

/// One way to misbehave, and the requests it applies to.
///
/// Parsed from and displayed as its text form, for example
/// `xai/mint:status=429,retry_after=7,times=2`; serialized as that text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fault {
    target: Target,
    action: Action,
    /// Waited before anything else.
    latency: Option<Duration>,
    /// Up to this much more is waited, uniformly distributed.
    spread: Option<Duration>,
    /// Requests the fault still applies to; without it, all.
    times: Option<u32>,
}

impl Fault {
    /// Whether the fault applies to requests on `route`.
    fn applies_to(&self, route: Route) -> bool {
        self.target.covers(route) && self.action.possible_on(route)
    }

    /// How long to wait before acting.
    fn delay(&self) -> Duration {
        let random = Uuid::new_v4().as_u128() as u32;
        let share = f64::from(random) / f64::from(u32::MAX);
        self.latency.unwrap_or_default() + self.spread.unwrap_or_default().mul_f64(share)
    }
}

/// Which routes a fault is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    All,
    Provider(Provider),
    Route(Route),
}

impl Target {
    fn covers(self, route: Route) -> bool {
        match self {
            Self::All => true,
            Self::Provider(provider) => route.provider() == provider,
            Self::Route(only) => route == only,
        }
    }
}

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Action {
    /// Served as usual (after the latency).
    Serve,
    Status(Refusal),
    Hang,
    Drip,
    ResetBefore,
    ResetBody,
    Close,
    Garbage,
    NotJson,
    Empty,
    Huge,
    WrongTypes,
    Nested,
    Redirect,
    Expiry(Expiry),
    BadToken,
    Revoked,
}

/// An error answer of the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Refusal {
    status: StatusCode,
    /// Which of the provider's errors with that status; without it, the most usual.
    code: Option<String>,
    body: Option<BodyShape>,
    retry_after: Option<RetryAfter>,
}

/// Other shapes a provider's error bodies have been seen in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyShape {
    /// ElevenLabs: `detail` is a validation list.
    List,
    /// ElevenLabs: `detail` is a string; xAI: `{"error": "…"}` alone.
    Text,
    /// xAI: OpenAI's `{"error": {message, type, param, code}}`.
    Object,
    /// The older generation of the provider's errors.
    Legacy,
    /// A gateway's page, not JSON at all.
    Html,
}

/// The `Retry-After` header: in seconds from now, as a number or as a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RetryAfter {
    Seconds(u64),
    Date(u64),
}

/// What is wrong with `expires_at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expiry {
    Past,
    Far,
    Milliseconds,
    Missing,
}

#[cfg(test)]
mod tests;
