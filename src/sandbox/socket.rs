//! The other end of a WebSocket: JSON out, text in, faults of the line.

use std::time::Duration;

use axum::{
    extract::{
        ConnectInfo, FromRequestParts as _, Request,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    },
    http::HeaderValue,
    response::Response,
};
use serde_json::Value;

use super::{
    fault::ResetAfterFirst,
    wire::{Ending, Line},
};

/// The largest message a client may send, in bytes.
const MESSAGE_LIMIT: usize = 4 * 1024 * 1024;

/// How long the client may take to answer a close.
const CLOSING: Duration = Duration::from_secs(1);

/// The connection is gone; a session can only end.
pub(crate) struct Gone;

/// An upgrade that can still be refused.
pub(crate) struct Handshake {
    upgrade: WebSocketUpgrade,
    line: Line,
    reset_after_first: bool,
}

impl Handshake {
    /// The handshake `request` asks for, or nothing if it asks for none (or for a broken one).
    pub(crate) async fn of(request: Request) -> Option<Self> {
        let (mut parts, _) = request.into_parts();
        let ConnectInfo(line) = parts.extensions.get::<ConnectInfo<Line>>()?.clone();
        let reset_after_first = parts.extensions.get::<ResetAfterFirst>().is_some();
        let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await.ok()?;
        Some(Self { upgrade, line, reset_after_first })
    }

    /// Accepts: `session` runs on the open socket. `protocol` is the subprotocol selected.
    pub(crate) fn accept<S>(
        mut self,
        protocol: Option<HeaderValue>,
        session: impl FnOnce(Peer) -> S + Send + 'static,
    ) -> Response
    where
        S: Future<Output = Result<(), Gone>> + Send + 'static,
    {
        if let Some(protocol) = protocol {
            self.upgrade.set_selected_protocol(protocol);
        }
        let Self { upgrade, line, reset_after_first } = self;
        upgrade.max_message_size(MESSAGE_LIMIT).on_upgrade(move |socket| async move {
            // A client that is gone is how most sessions end.
            let (Ok(()) | Err(Gone)) = session(Peer { socket, line, reset_after_first }).await;
        })
    }
}

/// An open socket, seen from the provider.
pub(crate) struct Peer {
    socket: WebSocket,
    line: Line,
    reset_after_first: bool,
}

impl Peer {
    /// Sends `event` as a text frame.
    pub(crate) async fn send(&mut self, event: &Value) -> Result<(), Gone> {
        let text = Utf8Bytes::from(event.to_string());
        self.socket.send(Message::Text(text)).await.map_err(|_| Gone)?;
        if self.reset_after_first {
            // The event should arrive before the reset overtakes it.
            tokio::time::sleep(Duration::from_millis(50)).await;
            self.line.end(Ending::Reset);
            return Err(Gone);
        }
        Ok(())
    }

    /// The next message as JSON; what is not JSON comes as an error text.
    pub(crate) async fn next(&mut self) -> Result<Result<Value, &'static str>, Gone> {
        loop {
            match self.socket.recv().await {
                Some(Ok(Message::Text(text))) => {
                    let json = serde_json::from_str(&text);
                    return Ok(json.map_err(|_| "the message is not valid JSON"));
                }
                Some(Ok(Message::Binary(_))) => return Ok(Err("binary messages are not expected")),
                // A close is answered by reading on, until the stream ends.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_))) => {}
                Some(Err(_)) | None => return Err(Gone),
            }
        }
    }

    /// Closes with `code`, and waits for the client to close too: dropping the connection at once
    /// could reset it before the client has read what it was told.
    pub(crate) async fn close(mut self, code: u16, reason: &'static str) -> Result<(), Gone> {
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
        self.socket.send(Message::Close(Some(frame))).await.map_err(|_| Gone)?;
        let closed = async { while let Some(Ok(_)) = self.socket.recv().await {} };
        tokio::time::timeout(CLOSING, closed).await.map_err(|_| Gone)
    }
}
