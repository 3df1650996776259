//! The `RateLimit` and `RateLimit-Policy` headers (draft-ietf-httpapi-ratelimit-headers): where a
//! caller stands, so that a client can slow down before it is refused.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::limit::{Part, Standing};

pub(super) const STANDING: HeaderName = HeaderName::from_static("ratelimit");
pub(super) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The limits that are everyone's together: how the others are doing is nobody's business.
const SHARED: [&str; 2] = ["token", "together"];

/// The bytes of a usual header: every answer has two, and growing a text costs more than writing it.
const USUAL: usize = 192;

/// Adds the headers for `standings`.
pub(super) fn add(standings: &[Standing], headers: &mut HeaderMap) {
    let (mut standing, mut policy) = (String::with_capacity(USUAL), String::with_capacity(USUAL));
    for it in standings.iter().filter(|it| !SHARED.contains(&it.policy)) {
        // Rounded up: who waits that long has waited long enough.
        let reset = it.reset.as_secs() + u64::from(it.reset.subsec_nanos() > 0);
        add_item(&mut standing, it, [(";r=", it.remaining.into()), (";t=", reset)]);
        add_item(&mut policy, it, [(";q=", it.limit.into()), (";w=", it.window.as_secs())]);
    }
    if standing.is_empty() {
        return;
    }
    for (name, text) in [(STANDING, standing), (POLICY, policy)] {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
}

/// Adds a limit with its parameters to a list. Put together without `fmt`, which takes thrice as long.
fn add_item(list: &mut String, standing: &Standing, parameters: [(&str, u64); 2]) {
    let separator = if list.is_empty() { "\"" } else { ", \"" };
    let end = if standing.part == Part::Quota { "_quota\"" } else { "\"" };
    list.extend([separator, standing.policy, end]);
    for (name, number) in parameters {
        list.extend([name, itoa::Buffer::new().format(number)]);
    }
}
