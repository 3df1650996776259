//! Problem documents (RFC 9457): the one shape of every answer that is no success.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

pub use super::code::Code;
use super::request_id::{self, RequestId};

/// Where `docs/problems.md` is; a code is the fragment of its own heading.
const DOCUMENTATION: &str = "https://github.com/valetkey/valetkey/blob/main/docs/problems.md";

/// The longest that an SDK can be expected to wait before it asks again, in seconds.
const MAX_PATIENCE: u64 = 60;

/// Why there is no success. A handler returns it; `render` writes the document.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Which one.
    pub code: Code,
    detail: Option<String>,
    /// When to come back, in seconds.
    retry_after: Option<u64>,
    /// What happened, for the log only.
    pub(super) cause: Option<Arc<str>>,
}

impl Problem {
    /// The problem `code` with its usual detail.
    pub fn new(code: Code) -> Self {
        Self { code, detail: None, retry_after: None, cause: None }
    }

    /// With what the caller can mend in this very request.
    pub fn detail(self, detail: &str) -> Self {
        Self { detail: Some(sentence(detail)), ..self }
    }

    /// With another time to come back than the code's own.
    pub fn retry_after(self, seconds: Option<u64>) -> Self {
        Self { retry_after: seconds, ..self }
    }

    /// With what happened, for the log.
    pub fn because(self, cause: impl Into<Arc<str>>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }

    /// What a bare status, from a library, amounts to.
    pub(super) fn from_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::new(Code::NotFound),
            StatusCode::METHOD_NOT_ALLOWED => Self::new(Code::MethodNotAllowed),
            status if status.is_client_error() => Self::new(Code::MalformedRequest),
            status => Self::new(Code::Internal).because(format!("a bare status {status}")),
        }
    }

    pub(super) fn document(&self, request_id: &str, for_sdk: bool) -> String {
        let name = self.code.name();
        let detail = self.detail.as_deref().unwrap_or(self.code.detail());
        let document = Document {
            address: format!("{DOCUMENTATION}#{name}"),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            detail,
            code: name,
            request_id,
            retry_after: self.wait(),
            error: for_sdk.then_some(SdkError { message: detail, kind: name, code: name }),
        };
        // Cannot fail: there are only strings and numbers.
        serde_json::to_string(&document).unwrap_or_default()
    }

    fn wait(&self) -> Option<u64> {
        self.retry_after.or(self.code.retry_after())
    }

    fn add_headers(&self, headers: &mut HeaderMap) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.wait() {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.code == Code::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // SDKs would ask again after a second or a minute, thrice.
        if self.code.is_permanent() || self.wait() > Some(MAX_PATIENCE) {
            headers.insert("x-should-retry", HeaderValue::from_static("false"));
        }
    }
}

/// A whole answer, as it goes over the wire, for what never becomes a request. It is the last on its
/// connection.
pub fn raw_answer(code: Code) -> Vec<u8> {
    let (problem, id) = (Problem::new(code), RequestId::new());
    let document = problem.document(id.as_str(), false);
    let status = code.status();
    tracing::info!(
        status = status.as_u16(),
        request_id = id.as_str(),
        code = code.name(),
        "refused before it was a request"
    );
    let mut headers = HeaderMap::new();
    problem.add_headers(&mut headers);
    mark(&mut headers);
    headers.insert(request_id::HEADER, id.header());
    headers.insert(header::CONTENT_LENGTH, document.len().into());
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    let mut answer = format!("HTTP/1.1 {status}\r\n").into_bytes();
    for (name, value) in &headers {
        answer.extend_from_slice(name.as_str().as_bytes());
        answer.extend_from_slice(b": ");
        answer.extend_from_slice(value.as_bytes());
        answer.extend_from_slice(b"\r\n");
    }
    answer.extend_from_slice(b"\r\n");
    answer.extend_from_slice(document.as_bytes());
    answer
}

/// What is on every answer.
pub(super) fn mark(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "type")]
    address: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<SdkError<'a>>,
}

#[derive(Serialize)]
struct SdkError<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    code: &'a str,
}

/// The document of a problem outside of any request, and so without its name.
pub(super) fn bare(problem: &Problem) -> Response {
    let mut response = Response::new(Body::from(problem.document("-", false)));
    *response.status_mut() = problem.code.status();
    problem.add_headers(response.headers_mut());
    response
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().collect::<String>());
    let stop = if text.ends_with('.') { "" } else { "." };
    format!("{}{}{stop}", first.unwrap_or_default(), letters.as_str())
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the document of whatever is no success, be it a [`Problem`] of ours or a bare status of
/// the router's. `for_sdk`: where the providers' own SDKs come by, they look for an error of their
/// own kind.
pub(super) fn render(response: Response, id: &RequestId, for_sdk: bool) -> Response {
    if !response.status().is_client_error() && !response.status().is_server_error() {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    let problem = parts.extensions.remove::<Problem>();
    let problem = problem.unwrap_or_else(|| Problem::from_status(parts.status));
    let body = problem.document(id.as_str(), for_sdk);
    parts.status = problem.code.status();
    parts.headers.remove(header::CONTENT_LENGTH);
    problem.add_headers(&mut parts.headers);
    parts.extensions.insert(problem);
    Response::from_parts(parts, Body::from(body))
}
