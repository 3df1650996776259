//! What every request on a provider's route passes: history, body limit, fault.

use axum::{
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::HeaderValue,
    middleware::Next,
    response::Response,
};
use uuid::Uuid;

use super::{
    elevenlabs,
    fault::{Call, play},
    history::{Entry, Record},
    route::{Kind, Provider, Route},
    state::Sandbox,
    wire::Line,
    xai,
};

/// The largest body of a mint, in bytes.
const MINT_BODY: usize = 16 * 1024;

/// Which route a request has come in on.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) sandbox: Sandbox,
    pub(crate) route: Route,
}

/// Records the request, then serves it, or plays the fault that is due.
pub(crate) async fn front(
    State(Gate { sandbox, route }): State<Gate>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let entry = Entry::new(&sandbox.tokens, &parts, Some(route.provider()), Some(route.name()));
    let record = sandbox.history.add(entry);
    let mut request = Request::from_parts(parts, body);
    request.extensions_mut().insert(record.clone());
    if route.kind() == Kind::Mint {
        request = match with_body(&sandbox, &record, request).await {
            Some(request) => request,
            None => {
                let answer = too_large(route.provider());
                record.status(answer.status().as_u16());
                return identified(route.provider(), answer);
            }
        };
    }

    let fault = sandbox.faults.take(route);
    let text = fault.as_ref().map(ToString::to_string).unwrap_or_default();
    let answer = match fault {
        None => next.run(request).await,
        Some(fault) => {
            record.fault(&fault);
            play(fault, Call { sandbox, route, line: line.clone() }, request, next).await
        }
    };
    let status = answer.status().as_u16();
    if !line.is_ending() {
        record.status(status);
    }
    tracing::debug!(provider = %route.provider(), %route, status, fault = text, "request");
    identified(route.provider(), answer)
}

/// `request` with its body read into memory, or nothing if that is too large (or breaks off, and
/// then nobody hears the answer).
async fn with_body(sandbox: &Sandbox, record: &Record, request: Request) -> Option<Request> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MINT_BODY).await.ok()?;
    record.body(&sandbox.tokens, &body);
    Some(Request::from_parts(parts, Body::from(body)))
}

fn too_large(provider: Provider) -> Response {
    match provider {
        Provider::Xai => xai::errors::too_large(),
        Provider::ElevenLabs => elevenlabs::errors::too_large(),
    }
}

/// Adds the provider's request id unless the answer has one.
pub(crate) fn identified(provider: Provider, mut answer: Response) -> Response {
    if let Ok(value) = HeaderValue::try_from(Uuid::new_v4().to_string()) {
        answer.headers_mut().entry(provider.request_id()).or_insert(value);
    }
    answer
}
