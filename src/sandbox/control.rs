//! The sandbox's own routes, under `/_sandbox`: faults, history, expiry, and an index for a human.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use serde_json::{Value, json};

use super::{
    ELEVENLABS_KEY, XAI_KEY,
    fault::{Fault, FaultError, GRAMMAR, TooMany},
    history::Entry,
    route::{Provider, Route},
    state::Sandbox,
};

/// All control routes.
pub(crate) fn routes() -> Router<Sandbox> {
    Router::new()
        .route("/_sandbox", get(index).fallback(not_allowed))
        .route(
            "/_sandbox/faults",
            get(list).put(replace).post(add).delete(clear).fallback(not_allowed),
        )
        .route("/_sandbox/history", get(history).delete(forget).fallback(not_allowed))
        .route("/_sandbox/tokens", get(tokens).fallback(not_allowed))
        .route("/_sandbox/expire", post(expire).fallback(not_allowed))
        .route("/_sandbox/elsewhere", any(elsewhere))
}

/// Says that there is no such control route.
pub(crate) fn not_found() -> Response {
    refuse(StatusCode::NOT_FOUND, "no such control route: GET /_sandbox lists them")
}

async fn not_allowed() -> Response {
    refuse(StatusCode::METHOD_NOT_ALLOWED, "this control route does not take that method")
}

fn refuse(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}

/// Why a control request was not done.
#[derive(Debug, thiserror::Error)]
enum ControlError {
    #[error("the body is not JSON: send an array of faults, for example [\"xai:status=503\"]")]
    NotJson,
    #[error("the body must be {0} of faults in their text form")]
    NotFaults(&'static str),
    #[error(transparent)]
    Fault(#[from] FaultError),
    #[error(transparent)]
    TooMany(#[from] TooMany),
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NotJson => StatusCode::BAD_REQUEST,
            Self::NotFaults(_) | Self::Fault(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany(_) => StatusCode::CONFLICT,
        };
        refuse(status, &self.to_string())
    }
}

async fn list(State(sandbox): State<Sandbox>) -> Json<Vec<Fault>> {
    Json(sandbox.faults.all())
}

async fn replace(
    State(sandbox): State<Sandbox>,
    body: Bytes,
) -> Result<Json<Vec<Fault>>, ControlError> {
    let Value::Array(faults) = parse(&body)? else {
        return Err(ControlError::NotFaults("an array"));
    };
    sandbox.faults.replace(read(faults, "an array")?)?;
    Ok(list(State(sandbox)).await)
}

async fn add(
    State(sandbox): State<Sandbox>,
    body: Bytes,
) -> Result<Json<Vec<Fault>>, ControlError> {
    let faults = match parse(&body)? {
        Value::Array(faults) => faults,
        single => vec![single],
    };
    sandbox.faults.add(read(faults, "one, or an array")?)?;
    Ok(list(State(sandbox)).await)
}

fn parse(body: &[u8]) -> Result<Value, ControlError> {
    serde_json::from_slice(body).map_err(|_| ControlError::NotJson)
}

/// Reads all before any is put in force.
fn read(faults: Vec<Value>, expected: &'static str) -> Result<Vec<Fault>, ControlError> {
    let faults = faults.into_iter().map(|fault| match fault {
        Value::String(text) => Ok(text.parse()?),
        _ => Err(ControlError::NotFaults(expected)),
    });
    faults.collect()
}

async fn clear(State(sandbox): State<Sandbox>) -> Result<StatusCode, ControlError> {
    sandbox.faults.replace(Vec::new())?;
    Ok(StatusCode::NO_CONTENT)
}

async fn history(State(sandbox): State<Sandbox>) -> Json<Vec<Entry>> {
    Json(sandbox.history.entries())
}

async fn forget(State(sandbox): State<Sandbox>) -> StatusCode {
    sandbox.history.clear();
    StatusCode::NO_CONTENT
}

async fn tokens(State(sandbox): State<Sandbox>) -> Json<Value> {
    Json(json!({ "minted": sandbox.tokens.minted() }))
}

async fn expire(State(sandbox): State<Sandbox>) -> Json<Value> {
    Json(json!({ "expired": sandbox.tokens.expire_all() }))
}

/// Where `redirect` points: whoever follows it is found in the history.
async fn elsewhere(State(sandbox): State<Sandbox>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let record = sandbox.history.add(Entry::new(&sandbox.tokens, &parts, None, Some("elsewhere")));
    record.status(StatusCode::OK.as_u16());
    Json(json!({})).into_response()
}

async fn index() -> Json<Value> {
    let grammar = GRAMMAR.map(|(_, form, meaning)| format!("{form}: {meaning}"));
    let routes = Route::ALL.map(Route::name);
    let targets = [&["*"][..], &Provider::ALL.map(Provider::name), &routes].concat();
    Json(json!({
        "keys": { "xai": XAI_KEY, "elevenlabs": ELEVENLABS_KEY },
        "providers": [
            "POST /v1/realtime/client_secrets",
            "GET /v1/realtime (WebSocket)",
            "POST /v1/single-use-token/{realtime_scribe|batch_scribe|tts_websocket}",
            "POST /v1/speech-to-text",
            "GET /v1/speech-to-text/realtime (WebSocket)",
            "GET /v1/text-to-speech/{voice}/stream-input (WebSocket)",
            "GET /v1/text-to-speech/{voice}/multi-stream-input (WebSocket)",
        ],
        "control": [
            "GET /_sandbox/faults: those in force, oldest first; the newest that applies wins",
            "PUT /_sandbox/faults: a JSON array of faults, instead of those in force",
            "POST /_sandbox/faults: one fault or an array, beside those in force",
            "DELETE /_sandbox/faults: none in force",
            "GET /_sandbox/history: the latest requests, oldest first, credentials masked",
            "DELETE /_sandbox/history: forgets them",
            "GET /_sandbox/tokens: how many were minted so far",
            "POST /_sandbox/expire: every token minted so far has expired",
        ],
        "fault": "TARGET:SETTING[,SETTING...]",
        "example": "xai/mint:status=429,retry_after=7,times=2",
        "targets": targets,
        "settings": grammar,
    }))
}
