//! The body of a minting route.

use std::sync::LazyLock;

use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::{is_showable, json::scan};
use crate::{token::MintRequest, web::fuzzing};

const MAX_BODY: usize = 16 * 1024;

/// No detail is longer, in characters, whatever is repeated in it.
const MAX_DETAIL: usize = 256;

/// The deepest that a plain body goes.
const MAX_DEPTH: usize = 8;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_current_thread().enable_time().build().expect("a runtime needs nothing")
});

/// A body is either understood, and then as anyone would understand it, or a problem that can be
/// shown. The bytes are the body, and its media type as well.
pub fn body(data: &[u8]) {
    match RUNTIME.block_on(fuzzing::ask(data.to_vec())) {
        Ok(request) => is_understood(data, &request),
        Err((status, document)) => {
            assert!(!is_plain(data), "a plain body was refused: {document}");
            assert!([400, 413, 422].contains(&status), "{status}");
            let document: Value = serde_json::from_str(&document).expect("a problem is JSON");
            let detail = document["detail"].as_str().expect("there is a detail");
            assert!(is_showable(detail), "{detail:?}");
            assert!(detail.chars().count() <= MAX_DETAIL, "{detail:?}");
        }
    }
    if RUNTIME.block_on(fuzzing::is_media_type(data)) {
        // What a page may send to anyone unasked is none of these.
        let text = str::from_utf8(data).expect("it is ASCII").to_ascii_lowercase();
        let essence = text.split(';').next().unwrap_or_default().trim();
        assert_eq!(essence, "application/json");
    }
}

fn is_understood(data: &[u8], request: &MintRequest) {
    if data.is_empty() {
        return assert_eq!(*request, MintRequest::default());
    }
    assert!(data.len() <= MAX_BODY);
    let repeats = scan(data).repeats;
    for path in [vec![], vec!["expires_after".to_owned()]] {
        assert!(!repeats.contains(&path), "a field of {path:?} is there twice");
    }
    for name in &request.other_fields {
        assert!(is_showable(name) && name.chars().count() <= 80, "{name:?}");
    }
    // What is nested or large beyond what serde_json takes is in no field of ours.
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    let fields = value.as_object().expect("only an object is a request");
    let asked = fields.get("expires_after");
    let asked = asked.map(|it| it.as_object().expect("only an object is a lifetime"));
    let seconds = asked.and_then(|it| it.get("seconds"));
    assert_eq!(request.ttl, seconds.and_then(Value::as_u64));
    assert_eq!(request.ttl.is_some(), seconds.is_some());
    let others = fields.len() - usize::from(asked.is_some()) + asked.map_or(0, |it| it.len())
        - usize::from(seconds.is_some());
    assert_eq!(request.other_fields.len(), others, "a field was overlooked");
}

/// Whether nothing can be wrong with a body: an object, no name twice, not deep, without a lifetime.
fn is_plain(data: &[u8]) -> bool {
    let value = serde_json::from_slice::<Value>(data);
    let scanned = scan(data);
    data.len() <= MAX_BODY
        && value.is_ok_and(|it| it.is_object() && it.get("expires_after").is_none())
        && scanned.repeats.is_empty()
        && scanned.depth <= MAX_DEPTH
}
