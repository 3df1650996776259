//! The body of a minting route: nothing, or a small JSON object that is read strictly.

use std::error::Error as _;

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use http_body_util::LengthLimitError;
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::{
    object::Object,
    problem::{Code, Problem},
};
use crate::{app::App, token::MintRequest};

/// The longest body, in bytes.
const MAX_BODY: usize = 16 * 1024;

/// The name by which a refused `anchor` is reported.
pub(super) const ANCHOR: &str = "expires_after.anchor";

/// The body, understood.
pub(super) struct Asked(pub(super) MintRequest);

impl FromRequest<App> for Asked {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let deadline = app.live().body_timeout;
        let (parts, body) = request.into_parts();
        let body = timeout(deadline, read(body)).await.map_err(|_| {
            let detail = format!("the body did not arrive within {} s", deadline.as_secs_f32());
            Problem::new(Code::MalformedRequest).detail(&detail)
        })??;
        if body.is_empty() {
            return Ok(Self(MintRequest::default()));
        }
        check_media_type(&parts.headers)?;
        parse(&body).map(Self)
    }
}

async fn read(body: Body) -> Result<Bytes, Problem> {
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
    let text = |name| headers.get(name).map_or(Some(""), |value| value.to_str().ok());
    let content_type = text(header::CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    let mut parts = content_type.split(';').map(str::trim);
    let is_json = parts.next() == Some("application/json");
    let is_utf8 = parts.all(|part| match part.strip_prefix("charset=") {
        Some(charset) => charset.trim_matches('"') == "utf-8",
        None => true,
    });
    let is_plain = matches!(text(header::CONTENT_ENCODING), Some("" | "identity"));
    if is_json && is_utf8 && is_plain {
        Ok(())
    } else {
        Err(Problem::new(Code::UnsupportedMediaType))
    }
}

fn parse(body: &[u8]) -> Result<MintRequest, Problem> {
    // Whether it is JSON at all comes first: 400 for what is not, 422 for what is not ours.
    let raw: &RawValue = serde_json::from_slice(body).map_err(|error| {
        let detail = format!("the body is not JSON: {error}");
        Problem::new(Code::MalformedRequest).detail(&detail)
    })?;
    let mut request = MintRequest::default();
    for (field, value) in Object::parse(raw).map_err(|why| invalid(&format!("the body {why}")))?.0 {
        if field == "expires_after" {
            expires_after(value, &mut request)?;
        } else {
            request.other_fields.push(field);
        }
    }
    Ok(request)
}

fn expires_after(value: &RawValue, request: &mut MintRequest) -> Result<(), Problem> {
    let fields = Object::parse(value).map_err(|why| invalid(&format!("`expires_after` {why}")))?;
    for (field, value) in fields.0 {
        match field.as_str() {
            "seconds" => {
                let seconds = serde_json::from_str(value.get());
                request.ttl = Some(seconds.map_err(|_| {
                    invalid("`expires_after.seconds` must be a whole number of seconds")
                })?);
            }
            "anchor" if value.get() == r#""created_at""# => {
                request.other_fields.push(ANCHOR.to_owned())
            }
            "anchor" => return Err(invalid("`expires_after.anchor` is not taken here")),
            _ => request.other_fields.push(format!("expires_after.{field}")),
        }
    }
    Ok(())
}

fn invalid(detail: &str) -> Problem {
    Problem::new(Code::InvalidRequest).detail(detail)
}
