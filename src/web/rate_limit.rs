//! The `RateLimit` and `RateLimit-Policy` headers (draft-ietf-httpapi-ratelimit-headers): where a
//! caller stands, so that a client can slow down before it is refused.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::limit::{Part, Standing};

pub(super) const STANDING: HeaderName = HeaderName::from_static("ratelimit");
pub(super) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The limits that are everyone's together: how the others are doing is nobody's business.
const SHARED: [&str; 2] = ["token", "together"];

/// Adds the headers for `standings`.
pub(super) fn add(standings: &[Standing], headers: &mut HeaderMap) {
    let own: Vec<_> = standings.iter().filter(|it| !SHARED.contains(&it.policy)).collect();
    if own.is_empty() {
        return;
    }
    let list = |parameters: fn(&Standing) -> String| {
        let items = own.iter().map(|standing| {
            let quota = if standing.part == Part::Quota { "_quota" } else { "" };
            format!("\"{}{quota}\"{}", standing.policy, parameters(standing))
        });
        items.collect::<Vec<_>>().join(", ")
    };
    let standing = list(|it| {
        // Rounded up: who waits that long has waited long enough.
        let reset = it.reset.as_secs() + u64::from(it.reset.subsec_nanos() > 0);
        format!(";r={};t={reset}", it.remaining)
    });
    let policy = list(|it| format!(";q={};w={}", it.limit, it.window.as_secs()));
    for (name, text) in [(STANDING, standing), (POLICY, policy)] {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
}
