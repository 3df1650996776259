//! What the claims of a token with a good signature must be.
//!
//! `jsonwebtoken` checks claims as well, but leniently: it lets a list be the issuer, and rounds
//! times; and it takes the time from the machine instead of a [`Clock`](crate::base::clock::Clock). So
//! all of it is done here.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Claims, Identity, Rejected};
use crate::settings;

/// How far the issuer's clock may be off ours, in seconds.
const LEEWAY: f64 = 5.0;

/// The end of the year 9999. A time beyond it was meant in milliseconds.
const MAX_TIME: f64 = 253_402_300_799.0;

/// The longest caller id, in bytes. It goes into the log, the audit and the limits.
const MAX_CALLER: usize = 256;

/// What claims must be.
pub(super) struct Expected {
    pub(super) issuer: String,
    audience: Vec<String>,
    audience_claim: String,
    caller: String,
    require: BTreeMap<String, Vec<String>>,
}

impl Expected {
    pub(super) fn new(settings: &settings::Jwt) -> Self {
        Self {
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            audience_claim: settings.audience_claim.clone(),
            caller: settings.caller.clone(),
            require: settings.require.clone(),
        }
    }

    /// Whom the claims are of, if they are as they must be at `now`.
    pub(super) fn check(&self, claims: Map<String, Value>, now: u64) -> Result<Identity, Rejected> {
        check_types(&claims)?;
        if claims.get("iss").and_then(Value::as_str) != Some(self.issuer.as_str()) {
            return Err(Rejected::Wrong("iss is missing or another's"));
        }
        check_times(&claims, now)?;
        let claims = Claims::new(claims);
        let audience = claims.find(&self.audience_claim).and_then(names);
        if !audience.is_some_and(|names| names.iter().any(|name| self.is_audience(name))) {
            return Err(Rejected::Wrong("the audience is missing or another's"));
        }
        if !self.require.iter().all(|(name, values)| claims.has(name, values)) {
            return Err(Rejected::Wrong("a required claim is missing or has another value"));
        }
        let caller = claims.find(&self.caller).and_then(Value::as_str).filter(|id| is_caller(id));
        let caller = caller.ok_or(Rejected::Wrong("the caller claim is missing or unusable"))?;
        Ok(Identity { caller: caller.to_owned(), claims })
    }

    fn is_audience(&self, name: &str) -> bool {
        self.audience.iter().any(|audience| audience == name)
    }
}

/// Refuses registered claims of a wrong type (RFC 7519, section 4.1), be they needed or not: who
/// writes them so is not the issuer we know, or is about to be misunderstood.
fn check_types(claims: &Map<String, Value>) -> Result<(), Rejected> {
    let fits = |name: &str, is: fn(&Value) -> bool| claims.get(name).is_none_or(is);
    let right = fits("iss", Value::is_string)
        && fits("sub", Value::is_string)
        && fits("jti", Value::is_string)
        && fits("aud", |aud| names(aud).is_some());
    if right { Ok(()) } else { Err(Rejected::Wrong("a registered claim has a wrong type")) }
}

fn check_times(claims: &Map<String, Value>, now: u64) -> Result<(), Rejected> {
    // Exact far beyond the year 9999.
    let now = now as f64;
    let expires = time(claims, "exp")?.ok_or(Rejected::Wrong("exp is missing"))?;
    if now >= expires + LEEWAY {
        return Err(Rejected::Wrong("the token has expired"));
    }
    for name in ["nbf", "iat"] {
        if time(claims, name)?.is_some_and(|time| now + LEEWAY < time) {
            return Err(Rejected::Wrong("the token is from the future"));
        }
    }
    Ok(())
}

/// A time in seconds, which may have a fraction (RFC 7519, section 2, NumericDate).
fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<f64>, Rejected> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_f64().filter(|time| (0.0..=MAX_TIME).contains(time)) {
            Some(time) => Ok(Some(time)),
            None => Err(Rejected::Wrong("exp, nbf or iat is no time in seconds")),
        },
    }
}

/// The names that an audience claim holds: a string, or a list of nothing but strings.
fn names(claim: &Value) -> Option<Vec<&str>> {
    match claim {
        Value::String(name) => Some(vec![name]),
        Value::Array(names) => names.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

fn is_caller(id: &str) -> bool {
    (1..=MAX_CALLER).contains(&id.len()) && !id.chars().any(char::is_control)
}
