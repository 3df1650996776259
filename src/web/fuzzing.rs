//! The ways in for [`crate::fuzzing`]: what is private here, and reads what anyone may send.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, header},
};

use super::{
    body::{self, Anchor},
    problem::Problem,
};
use crate::{provider::ProviderError, token::MintRequest};

/// Longer than anything takes that is there already.
const DEADLINE: Duration = Duration::from_secs(3600);

/// What a body in JSON asks for, or the status and the document of the problem that it is.
pub(crate) async fn ask(body: Vec<u8>) -> Result<MintRequest, (u16, String)> {
    let media_type = HeaderValue::from_static("application/json");
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, media_type)]);
    let asked = body::request(&headers, body.into(), DEADLINE, Anchor::Unknown).await;
    asked.map_err(|problem| shown(&problem))
}

/// Whether a body in JSON is read at all when it is of this media type.
pub(crate) async fn is_media_type(text: &[u8]) -> bool {
    let Ok(value) = HeaderValue::from_bytes(text) else { return false };
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, value)]);
    body::request(&headers, Body::from("{}"), DEADLINE, Anchor::Unknown).await.is_ok()
}

/// What a caller sees of a provider's failure.
pub(crate) fn failure(error: ProviderError) -> (u16, String) {
    shown(&Problem::from(error))
}

fn shown(problem: &Problem) -> (u16, String) {
    (problem.code.status().as_u16(), problem.document("id", true))
}
