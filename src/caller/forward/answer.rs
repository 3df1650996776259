//! What an application answers: yes and who it is, no, or something else.

use http::StatusCode;
use serde_json::Value;

use crate::{
    base::header::only,
    caller::Rejected,
    outbound::{ReadError, Reply},
    settings::CallerFrom,
};

/// The most that is read of a body. Who a caller is takes a line.
const MAX_BODY: usize = 64 * 1024;

/// The longest name of a caller, in bytes.
const MAX_ID: usize = 256;

/// The caller's id. A body that is not wanted is not read.
pub(super) async fn read(reply: Reply, from: &CallerFrom) -> Result<String, Rejected> {
    match reply.status() {
        status if status.is_success() => (),
        StatusCode::UNAUTHORIZED => {
            return Err(Rejected::Wrong("the application does not know it"));
        }
        StatusCode::FORBIDDEN => return Err(Rejected::Forbidden),
        status if status.is_redirection() => {
            return Err(Rejected::Unavailable("the application redirects"));
        }
        _ => return Err(Rejected::Unavailable("the application answers neither yes nor no")),
    }
    let id = match from {
        CallerFrom::Header(name) => {
            // One of two may be what the client asked for.
            let value = only(reply.headers(), name).value();
            value.and_then(|value| str::from_utf8(value.as_bytes()).ok().map(str::to_owned))
        }
        CallerFrom::Field(path) => field(&json(reply).await?, path),
    };
    id.filter(|id| is_name(id)).ok_or(Rejected::Unavailable("the application names no caller"))
}

async fn json(reply: Reply) -> Result<Value, Rejected> {
    let body = reply.read_capped(MAX_BODY).await.map_err(|error| match error {
        ReadError::TooLarge => Rejected::Unavailable("the application's answer is too large"),
        ReadError::Truncated => Rejected::Unavailable("the application's answer is cut off"),
    })?;
    serde_json::from_slice(&body)
        .map_err(|_| Rejected::Unavailable("the application's answer is no JSON"))
}

/// The text or the integer at `path`. Of other numbers there is more than one way to write them, or
/// two callers would be one.
fn field(body: &Value, path: &[String]) -> Option<String> {
    match path.iter().try_fold(body, |value, part| value.as_object()?.get(part))? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

/// Whether `id` can stand in a log, and tells callers apart.
fn is_name(id: &str) -> bool {
    !id.trim().is_empty() && id.len() <= MAX_ID && !id.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_is_found_by_its_path_and_is_text_or_an_integer() {
        let body = json!({
            "id": "ada", "user": { "id": 7, "list": [{ "id": 1 }] }, "user.id": "no",
            "big": u64::MAX, "below": -1, "half": 0.5, "null": null, "yes": true,
        });
        let at = |path: &str| field(&body, &path.split('.').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(at("id").as_deref(), Some("ada"));
        assert_eq!(at("user.id").as_deref(), Some("7"));
        assert_eq!(at("big").as_deref(), Some("18446744073709551615"));
        assert_eq!(at("below").as_deref(), Some("-1"));
        for path in ["half", "null", "yes", "user", "none", "id.id", "user.list.0.id"] {
            assert_eq!(at(path), None, "{path}");
        }
        for number in ["1e3", "7.0", "18446744073709551616"] {
            assert_eq!(field(&serde_json::from_str(number).unwrap(), &[]), None, "{number}");
        }
    }

    #[test]
    fn a_name_can_stand_in_a_log() {
        assert!(is_name("ada") && is_name("J\u{fc}rgen Klee") && is_name(&"a".repeat(256)));
        for odd in ["", " ", "a\nb", "a\tb", "a\u{85}b", "\0", &"\u{fc}".repeat(129)] {
            assert!(!is_name(odd), "{odd:?}");
        }
    }
}
