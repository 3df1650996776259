//! What a fault does to a request.

use std::{iter, time::Duration};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Redirect, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use super::{Action, Fault, Refusal, RetryAfter, spoil};
use crate::sandbox::{
    clock, elevenlabs,
    route::{Kind, Provider, Route},
    state::Sandbox,
    wire::{Ending, Line},
    xai,
};

/// Pause between two bytes of a dripping body.
const DRIP: Duration = Duration::from_millis(100);

/// Given to a client to read what came before a reset amid the body.
const BEFORE_RESET: Duration = Duration::from_millis(50);

/// A piece of a huge body, and how many there are: a little more than 64 MiB.
const HUGE_PIECE: usize = 64 * 1024;
const HUGE_PIECES: usize = 1025;

/// Tells a handler that the API key counts as wrong.
#[derive(Clone, Copy)]
pub(crate) struct KeyRevoked;

/// Tells a socket to reset the connection after its first event.
#[derive(Clone, Copy)]
pub(crate) struct ResetAfterFirst;

/// Where a request came in.
pub(crate) struct Call {
    pub(crate) sandbox: Sandbox,
    pub(crate) route: Route,
    pub(crate) line: Line,
}

/// Serves `request` as `fault` says.
pub(crate) async fn play(fault: Fault, call: Call, mut request: Request, next: Next) -> Response {
    tokio::time::sleep(fault.delay()).await;
    let socket = call.route.kind() == Kind::Socket;
    match &fault.action {
        Action::Serve => return next.run(request).await,
        Action::Revoked => {
            request.extensions_mut().insert(KeyRevoked);
            return next.run(request).await;
        }
        Action::ResetBody if socket => {
            request.extensions_mut().insert(ResetAfterFirst);
            return next.run(request).await;
        }
        // Serving an upgrade would open a session nobody hears about.
        Action::Hang if socket => return hang(&call).await,
        _ => {}
    }
    if fault.action.spoils() {
        let answer = next.run(request).await;
        return spoilt(&fault.action, &call, answer).await;
    }
    // A connection closed over an unread body is reset, and the client loses the answer.
    drain(request.into_body()).await;
    instead(&fault.action, &call)
}

impl Action {
    /// Whether the request is served first and its answer spoilt.
    fn spoils(&self) -> bool {
        match self {
            Self::Hang
            | Self::Drip
            | Self::ResetBody
            | Self::Empty
            | Self::WrongTypes
            | Self::Nested
            | Self::Expiry(_)
            | Self::BadToken => true,
            Self::Serve
            | Self::Status(_)
            | Self::ResetBefore
            | Self::Close
            | Self::Garbage
            | Self::NotJson
            | Self::Huge
            | Self::Redirect
            | Self::Revoked => false,
        }
    }
}

async fn spoilt(action: &Action, call: &Call, answer: Response) -> Response {
    match action {
        Action::Hang => hang(call).await,
        Action::Drip => drip(&call.sandbox),
        Action::Empty => StatusCode::OK.into_response(),
        Action::ResetBody => reset_amid(answer, call.line.clone()).await,
        _ => spoil::spoil(action, answer).await,
    }
}

fn instead(action: &Action, call: &Call) -> Response {
    match action {
        Action::Status(refusal) => refuse(refusal, call.route.provider()),
        Action::ResetBefore => end(&call.line, Ending::Reset),
        Action::Close => end(&call.line, Ending::Close),
        Action::Garbage => end(&call.line, Ending::Garbage),
        Action::Huge => huge(),
        Action::Redirect => Redirect::temporary("/_sandbox/elsewhere").into_response(),
        _ => Html("<!doctype html><title>Welcome</title><p>You are connected.</p>").into_response(),
    }
}

/// Any answer will do: the connection ends before its first byte.
fn end(line: &Line, ending: Ending) -> Response {
    line.end(ending);
    StatusCode::OK.into_response()
}

async fn hang(call: &Call) -> Response {
    call.sandbox.closing.cancelled().await;
    end(&call.line, Ending::Close)
}

fn refuse(refusal: &Refusal, provider: Provider) -> Response {
    let code = refusal.code.as_deref();
    let mut answer = match provider {
        Provider::Xai => xai::errors::answer(refusal.status, code, refusal.body),
        Provider::ElevenLabs => elevenlabs::errors::answer(refusal.status, code, refusal.body),
    };
    if let Some(value) = refusal.retry_after.and_then(RetryAfter::header) {
        answer.headers_mut().insert(header::RETRY_AFTER, value);
    }
    answer
}

impl RetryAfter {
    fn header(self) -> Option<HeaderValue> {
        match self {
            Self::Seconds(seconds) => Some(HeaderValue::from(seconds)),
            Self::Date(seconds) => {
                let date = clock::now() + Duration::from_secs(seconds);
                HeaderValue::try_from(httpdate::fmt_http_date(date)).ok()
            }
        }
    }
}

/// JSON that never ends: an opening brace, then blanks.
fn drip(sandbox: &Sandbox) -> Response {
    let bytes = iter::once(&b"{"[..]).chain(iter::repeat(&b" "[..]));
    let bytes = stream::iter(bytes).then(|byte| async move {
        tokio::time::sleep(DRIP).await;
        Ok::<_, std::io::Error>(Bytes::from_static(byte))
    });
    let closing = sandbox.closing.clone();
    json_body(Body::from_stream(bytes.take_until(closing.cancelled_owned())))
}

/// The right key, and a value that is far too long.
fn huge() -> Response {
    let piece = Bytes::from(vec![b'a'; HUGE_PIECE]);
    let pieces = iter::once(Bytes::from_static(b"{\"value\":\""))
        .chain(iter::repeat_n(piece, HUGE_PIECES))
        .chain(iter::once(Bytes::from_static(b"\"}")));
    json_body(Body::from_stream(stream::iter(pieces.map(Ok::<_, std::io::Error>))))
}

fn json_body(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The head of `answer` and half of its body, then a reset.
async fn reset_amid(answer: Response, line: Line) -> Response {
    let (mut parts, body) = answer.into_parts();
    let body = spoil::whole(body).await;
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    let (half, rest) = (body.slice(..body.len() / 2), body.slice(body.len() / 2..));
    let rest = stream::once(async move {
        tokio::time::sleep(BEFORE_RESET).await;
        line.end(Ending::Reset);
        Ok::<_, std::io::Error>(rest)
    });
    let body = stream::once(async move { Ok(half) }).chain(rest);
    Response::from_parts(parts, Body::from_stream(body))
}

/// Reads `body` to its end, or to the most a client of any route may send.
pub(crate) async fn drain(body: Body) {
    let mut pieces = body.into_data_stream();
    let mut left = elevenlabs::upload::LIMIT;
    while let Some(Ok(piece)) = pieces.next().await {
        let Some(less) = left.checked_sub(piece.len()) else { return };
        left = less;
    }
}
