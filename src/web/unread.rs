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
    middleware::Next,
    response::Response,
};
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};
use tokio::time::timeout;

use super::strict::close_after;

/// A small body that came with its head is there already, and only has to be passed on.
const GRACE: Duration = Duration::from_millis(10);

/// Closes the connection after an answer to a body that was not read to its end: its rest must not be
/// taken for a request. A rest that is there already is thrown away instead.
pub(super) async fn settle(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let is_coded = request.headers().contains_key(header::TRANSFER_ENCODING);
    // Reading would ask for the body.
    let waits_to_be_asked = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let lent = Lent(Arc::new(Mutex::new(State { body, ended: false })));
    let request = Request::from_parts(parts, Body::new(Lent(Arc::clone(&lent.0))));
    let mut response = next.run(request).await;
    if !lent.is_end_stream() && !waits_to_be_asked {
        let mut rest = Lent(Arc::clone(&lent.0));
        let drain = async { while let Some(Ok(_)) = rest.frame().await {} };
        // Whether it is over is asked below.
        let _ = timeout(GRACE, drain).await;
    }
    if is_coded || !lent.is_end_stream() {
        close_after(&mut response);
    }
    response
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
