//! What becomes of a connection when an answer goes out before the body came in.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::header,
    response::Response,
};
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};
use tokio::time::timeout;

use super::strict::close_after;

/// A small body that came with its head is there already, and only has to be passed on.
const GRACE: Duration = Duration::from_millis(10);

/// What is to be done about a body once there is an answer.
pub(super) struct Unread {
    rest: Lent,
    is_coded: bool,
    /// Reading would ask for the body.
    waits_to_be_asked: bool,
}

impl Unread {
    /// Lends the body, if there is one, to whoever answers.
    pub(super) fn lend(request: Request) -> (Request, Option<Self>) {
        if request.body().is_end_stream() {
            return (request, None);
        }
        let is_coded = request.headers().contains_key(header::TRANSFER_ENCODING);
        let waits_to_be_asked = request.headers().contains_key(header::EXPECT);
        let (parts, body) = request.into_parts();
        let rest = Lent(Arc::new(Mutex::new(State { body, ended: false })));
        let request = Request::from_parts(parts, Body::new(Lent(Arc::clone(&rest.0))));
        (request, Some(Self { rest, is_coded, waits_to_be_asked }))
    }

    /// Closes the connection after an answer to a body that was not read to its end: its rest must
    /// not be taken for a request. A rest that is there already is thrown away instead.
    pub(super) async fn settle(mut self, response: &mut Response) {
        if !self.rest.is_end_stream() && !self.waits_to_be_asked {
            let drain = async { while let Some(Ok(_)) = self.rest.frame().await {} };
            // Whether it is over is asked below.
            let _ = timeout(GRACE, drain).await;
        }
        if self.is_coded || !self.rest.is_end_stream() {
            close_after(response);
        }
    }
}

/// The body of a request, which can be asked how far it was read after it was given away.
struct Lent(Arc<Mutex<State>>);

struct State {
    body: Body,
    ended: bool,
}

impl Lent {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut state = self.state();
        let frame = Pin::new(&mut state.body).poll_frame(cx);
        state.ended |= matches!(frame, Poll::Ready(None));
        frame
    }

    fn is_end_stream(&self) -> bool {
        let state = self.state();
        state.ended || state.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.state().body.size_hint()
    }
}
