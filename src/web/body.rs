//! The body of a minting route: nothing, or a small JSON object that is read strictly.

use std::{error::Error as _, time::Duration};

use axum::{
    body::{Body, Bytes, HttpBody as _, to_bytes},
    http::{HeaderMap, header},
};
use http_body_util::LengthLimitError;
use serde_json::Value;
use tokio::time::timeout;

use super::problem::{Code, Problem};
use crate::{
    base::{
        header::only,
        strict_json::{NotStrict, object, shortened},
    },
    token::MintRequest,
};

/// The longest body, in bytes.
pub(super) const MAX_BODY: usize = 16 * 1024;

/// How deep objects and arrays may lie in each other.
const MAX_DEPTH: usize = 8;

/// Whether OpenAI's `"anchor": "created_at"` is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// It says what is the case anyway: a lifetime is counted from creation.
    Taken,
    /// It is one more unknown field.
    Unknown,
}

/// Reads the body, within `deadline`.
pub(super) async fn request(
    headers: &HeaderMap,
    body: Body,
    deadline: Duration,
    anchor: Anchor,
) -> Result<MintRequest, Problem> {
    let body = timeout(deadline, read(body)).await.map_err(|_| {
        let detail = format!("the body did not arrive within {} s", deadline.as_secs_f32());
        Problem::new(Code::RequestTimeout).detail(&detail)
    })??;
    if body.is_empty() {
        return Ok(MintRequest::default());
    }
    check_media_type(headers)?;
    parse(&body, anchor)
}

async fn read(body: Body) -> Result<Bytes, Problem> {
    // A body that says so beforehand need not be waited for.
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(Problem::new(Code::BodyTooLarge));
    }
    to_bytes(body, MAX_BODY).await.map_err(|error| {
        if error.source().is_some_and(|cause| cause.is::<LengthLimitError>()) {
            Problem::new(Code::BodyTooLarge)
        } else {
            Problem::new(Code::MalformedRequest).detail("the body could not be read to its end")
        }
    })
}

/// JSON in UTF-8 and nothing else. It also keeps out the bodies that a web page can send to any
/// server unasked: those are forms and plain text.
fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let lower = |name| Some(only(headers, name).value()?.to_str().ok()?.to_ascii_lowercase());
    let is_json = lower(header::CONTENT_TYPE).is_some_and(|it| is_json_in_utf8(&it));
    let is_plain = !headers.contains_key(header::CONTENT_ENCODING)
        || lower(header::CONTENT_ENCODING).is_some_and(|it| it.trim() == "identity");
    if is_json && is_plain { Ok(()) } else { Err(Problem::new(Code::UnsupportedMediaType)) }
}

fn is_json_in_utf8(media_type: &str) -> bool {
    let mut parts = media_type.split(';').map(str::trim);
    let is_utf8 = |part: &str| match part.split_once('=') {
        Some((name, value)) => {
            name.trim() != "charset" || value.trim().trim_matches('"') == "utf-8"
        }
        None => true,
    };
    parts.next() == Some("application/json") && parts.all(is_utf8)
}

fn parse(body: &[u8], anchor: Anchor) -> Result<MintRequest, Problem> {
    let fields = object(body, "the body", MAX_DEPTH).map_err(|why| match why {
        NotStrict::Syntax(error) => {
            let detail = format!("the body is not JSON: {error}");
            Problem::new(Code::MalformedRequest).detail(&detail)
        }
        NotStrict::Rule(rule) => invalid(&rule),
    })?;
    let mut request = MintRequest::default();
    for (field, value) in fields {
        if field == "expires_after" {
            expires_after(value, anchor, &mut request)?;
        } else {
            request.other_fields.push(shortened(&field));
        }
    }
    Ok(request)
}

fn expires_after(value: Value, anchor: Anchor, request: &mut MintRequest) -> Result<(), Problem> {
    let Value::Object(fields) = value else {
        return Err(invalid("`expires_after` must be a JSON object"));
    };
    for (field, value) in fields {
        match field.as_str() {
            "seconds" => {
                request.ttl = Some(value.as_u64().ok_or_else(|| {
                    invalid("`expires_after.seconds` must be a whole number of seconds")
                })?);
            }
            "anchor" if value == "created_at" && anchor == Anchor::Taken => (),
            "anchor" if value != "created_at" => {
                return Err(invalid("`expires_after.anchor` is not taken here"));
            }
            _ => request.other_fields.push(shortened(&format!("expires_after.{field}"))),
        }
    }
    Ok(())
}

fn invalid(detail: &str) -> Problem {
    Problem::new(Code::InvalidRequest).detail(detail)
}
