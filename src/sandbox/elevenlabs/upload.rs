//! `POST /v1/speech-to-text`: a file in, its transcript out.

use axum::{
    Extension, Json,
    extract::{FromRequest as _, Multipart, Request, State, multipart::Field},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    access::by_token_or_key,
    errors::{too_large, unprocessable},
    transcript,
};
use crate::sandbox::{
    fault::{KeyRevoked, drain},
    query::Query,
    state::Sandbox,
    tokens::Product,
};

/// The largest file, in bytes; it is counted as it comes, and not kept.
pub(crate) const LIMIT: usize = 25 * 1024 * 1024;

/// The longest field that is not the file, in bytes.
const FIELD_LIMIT: usize = 16 * 1024;

/// What was uploaded.
#[derive(Default)]
struct Form {
    /// Size of the file, in bytes.
    file: Option<usize>,
    has_model: bool,
    language: Option<String>,
}

/// A part larger than it may be.
struct TooLarge;

/// Transcribes an upload.
pub(crate) async fn upload(
    State(sandbox): State<Sandbox>,
    revoked: Option<Extension<KeyRevoked>>,
    request: Request,
) -> Response {
    let query = Query::of(request.uri());
    let (token, revoked) = (query.value("token"), revoked.is_some());
    let product = Product::BatchScribe;
    let access = by_token_or_key(&sandbox, token, product, request.headers(), revoked);
    if let Err(denied) = access {
        // The client is still sending, and would miss an answer that closed on it.
        drain(request.into_body()).await;
        return denied.answer();
    }
    let form = match Multipart::from_request(request, &()).await {
        Ok(multipart) => read(multipart).await,
        Err(_) => Ok(Form::default()),
    };
    match form {
        Ok(form) => answer(&form),
        Err(TooLarge) => too_large(),
    }
}

/// Reads the form as far as it can be read; what is missing then is missing.
async fn read(mut multipart: Multipart) -> Result<Form, TooLarge> {
    let mut form = Form::default();
    while let Ok(Some(field)) = multipart.next_field().await {
        match field.name() {
            Some("file") => form.file = size(field).await?,
            Some("model_id") => form.has_model = text(field).await?.is_some(),
            Some("language_code") => form.language = text(field).await?,
            _ => {
                text(field).await?;
            }
        }
    }
    Ok(form)
}

/// The size of a field that is thrown away as it comes; nothing if it breaks off.
async fn size(mut field: Field<'_>) -> Result<Option<usize>, TooLarge> {
    let mut size = 0;
    // What is too large is read on for a while: a client still sending would miss the answer.
    while size <= 2 * LIMIT {
        match field.chunk().await {
            Ok(Some(chunk)) => size += chunk.len(),
            Ok(None) if size <= LIMIT => return Ok(Some(size)),
            Ok(None) => break,
            Err(_) => return Ok(None),
        }
    }
    Err(TooLarge)
}

/// The text of a field, unless it is empty, breaks off, or is no text.
async fn text(mut field: Field<'_>) -> Result<Option<String>, TooLarge> {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = field.chunk().await {
        if bytes.len() + chunk.len() > FIELD_LIMIT {
            return Err(TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8(bytes).ok().filter(|text| !text.is_empty()))
}

fn answer(form: &Form) -> Response {
    let mut items: Vec<Value> = Vec::new();
    if !form.has_model {
        items.push(missing("model_id"));
    }
    let Some(size) = form.file else {
        items.push(missing("file"));
        return unprocessable(items);
    };
    if !items.is_empty() {
        return unprocessable(items);
    }
    let text = transcript::text(size);
    Json(json!({
        "language_code": form.language.as_deref().unwrap_or("eng"),
        "language_probability": 0.99,
        "text": text,
        "words": transcript::words(&text),
    }))
    .into_response()
}

fn missing(name: &str) -> Value {
    let place = json!(["body", name]);
    json!({ "type": "missing", "loc": place, "msg": "Field required", "input": null })
}
