//! Connections that can be ended the way broken networks end them.
//!
//! HTTP libraries answer politely. A handler that must not takes the [`Line`] of its connection,
//! says how it should end, and returns any answer: the first byte of that answer never leaves.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::lock::lock;

/// What a peer gets instead of HTTP.
const GARBAGE: &[u8] = b"\x16\x03\x01\x00\xa5\x01 this is not HTTP \x00\xff\xfe\r\n\r\n";

/// How a connection is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Closed in order (FIN), with nothing more written.
    Close,
    /// Reset (RST), with nothing more written.
    Reset,
    /// Bytes that are not HTTP, then closed.
    Garbage,
}

/// A handle on one connection.
#[derive(Clone, Default)]
pub(crate) struct Line(Arc<Mutex<Option<Ending>>>);

impl Line {
    /// Ends the connection at the next attempt to write, or when it is dropped.
    pub(crate) fn end(&self, ending: Ending) {
        *lock(&self.0) = Some(ending);
    }

    /// Whether the connection is about to end without an answer.
    pub(crate) fn is_ending(&self) -> bool {
        self.ending().is_some()
    }

    fn ending(&self) -> Option<Ending> {
        *lock(&self.0)
    }
}

impl Connected<IncomingStream<'_, Tap>> for Line {
    fn connect_info(stream: IncomingStream<'_, Tap>) -> Self {
        stream.io().line.clone()
    }
}

/// A listener whose connections are [`Wire`]s.
pub(crate) struct Tap {
    listener: TcpListener,
    cut: CancellationToken,
}

impl Tap {
    /// Once `cut` is cancelled, every connection ends.
    pub(crate) fn new(listener: TcpListener, cut: CancellationToken) -> Self {
        Self { listener, cut }
    }
}

impl Listener for Tap {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Without this small frames wait for the peer's delayed acknowledgement; should the option
        // be refused the connection still works.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY refused");
        }
        let cut = Box::pin(self.cut.clone().cancelled_owned());
        (Wire { stream, line: Line::default(), cut }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A TCP stream that obeys its [`Line`].
pub(crate) struct Wire {
    stream: TcpStream,
    line: Line,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.cut.as_mut().poll(cx).is_ready() {
            // An answer to half a request is no use to anybody either.
            self.line.end(self.line.ending().unwrap_or(Ending::Close));
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.line.ending() {
            None => return Pin::new(&mut self.stream).poll_write(cx, buf),
            Some(Ending::Garbage) => {
                ready!(Pin::new(&mut self.stream).poll_write(cx, GARBAGE))?;
                self.line.end(Ending::Close);
            }
            Some(Ending::Close | Ending::Reset) => {}
        }
        Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A shutdown would send FIN where a reset was ordered.
        if self.line.ending() == Some(Ending::Reset) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.line.ending() != Some(Ending::Reset) {
            return;
        }
        // Closing with a linger of zero is what makes the kernel send RST instead of FIN.
        if let Err(error) = self.stream.set_zero_linger() {
            tracing::debug!(%error, "cannot reset the connection");
        }
    }
}
