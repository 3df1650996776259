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
    let mut own = standings.iter().filter(|it| !SHARED.contains(&it.policy)).peekable();
    if own.peek().is_none() {
        return;
    }
    let (mut standing, mut policy) = (Items::new(), Items::new());
    for it in own {
        // Rounded up: who waits that long has waited long enough.
        let reset = it.reset.as_secs() + u64::from(it.reset.subsec_nanos() > 0);
        standing.add(it, [(";r=", it.remaining.into()), (";t=", reset)]);
        policy.add(it, [(";q=", it.limit.into()), (";w=", it.window.as_secs())]);
    }
    for (name, Items(text)) in [(STANDING, standing), (POLICY, policy)] {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
}

/// A list of limits with their parameters. Every answer has two, so they are put together by hand.
struct Items(Vec<u8>);

impl Items {
    fn new() -> Self {
        Self(Vec::with_capacity(192))
    }

    fn add(&mut self, of: &Standing, parameters: [(&str, u64); 2]) {
        if !self.0.is_empty() {
            self.0.extend_from_slice(b", ");
        }
        self.0.push(b'"');
        self.0.extend_from_slice(of.policy.as_bytes());
        if of.part == Part::Quota {
            self.0.extend_from_slice(b"_quota");
        }
        self.0.push(b'"');
        for (name, number) in parameters {
            self.0.extend_from_slice(name.as_bytes());
            self.0.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        }
    }
}
