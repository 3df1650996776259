//! The name of a request in the log, in its answer and in its problem.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use crate::base::header::only;

pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Longer ones are not kept: they go into every log line.
const MAX_LENGTH: usize = 128;

/// A request's name.
#[derive(Clone, Debug)]
pub(super) struct RequestId(HeaderValue);

impl RequestId {
    /// The caller's own, if it is sane, or else a new one.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let given = only(headers, HEADER).value().filter(|id| is_sane(id.as_bytes()));
        given.map_or_else(Self::new, |id| Self::copy(id.as_bytes()))
    }

    pub(super) fn new() -> Self {
        let (id, mut buffer) = (Uuid::now_v7().hyphenated(), Uuid::encode_buffer());
        Self::copy(id.encode_lower(&mut buffer).as_bytes())
    }

    /// A copy, because a header's value keeps all that it came with.
    fn copy(id: &[u8]) -> Self {
        Self(HeaderValue::from_bytes(id).unwrap_or(HeaderValue::from_static("-")))
    }

    pub(super) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

fn is_sane(id: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:=+/".contains(byte);
    (1..=MAX_LENGTH).contains(&id.len()) && id.iter().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_for(given: &str) -> String {
        let given = HeaderValue::from_bytes(given.as_bytes()).unwrap();
        let headers = HeaderMap::from_iter([(HEADER, given)]);
        RequestId::of(&headers).as_str().to_owned()
    }

    #[test]
    fn a_sane_id_is_kept_and_anything_else_replaced() {
        assert_eq!(id_for("Root=1-67891233-abc"), "Root=1-67891233-abc");
        for odd in ["", "a b", "\"x\"", "{}", "caf\u{e9}"] {
            assert_eq!(id_for(odd).len(), 36, "{odd:?} was kept");
        }
        assert_eq!(id_for(&"x".repeat(128)).len(), 128);
        assert_eq!(id_for(&"x".repeat(129)).len(), 36);
    }

    #[test]
    fn of_two_ids_neither_is_kept() {
        let mut headers = HeaderMap::new();
        headers.append(HEADER, HeaderValue::from_static("one"));
        headers.append(HEADER, HeaderValue::from_static("two"));
        assert_eq!(RequestId::of(&headers).as_str().len(), 36);
    }
}
