//! The `RateLimit` and `RateLimit-Policy` headers (draft-ietf-httpapi-ratelimit-headers): where a
//! caller stands, so that a client can slow down before it is refused.

use std::fmt::Write as _;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::limit::{Part, Standing};

pub(super) const STANDING: HeaderName = HeaderName::from_static("ratelimit");
pub(super) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The limits that are everyone's together: how the others are doing is nobody's business.
const SHARED: [&str; 2] = ["token", "together"];

/// Adds the headers for `standings`.
pub(super) fn add(standings: &[Standing], headers: &mut HeaderMap) {
    let (mut standing, mut policy) = (String::new(), String::new());
    for it in standings.iter().filter(|it| !SHARED.contains(&it.policy)) {
        if !policy.is_empty() {
            standing.push_str(", ");
            policy.push_str(", ");
        }
        let (name, suffix) = (it.policy, if it.part == Part::Quota { "_quota" } else { "" });
        // Rounded up: who waits that long has waited long enough.
        let reset = it.reset.as_secs() + u64::from(it.reset.subsec_nanos() > 0);
        // Cannot fail: it is written to memory.
        let _ = write!(standing, "\"{name}{suffix}\";r={};t={reset}", it.remaining);
        let _ = write!(policy, "\"{name}{suffix}\";q={};w={}", it.limit, it.window.as_secs());
    }
    for (name, text) in [(STANDING, standing), (POLICY, policy)] {
        if let Ok(value) = HeaderValue::try_from(text)
            && !value.is_empty()
        {
            headers.insert(name, value);
        }
    }
}
