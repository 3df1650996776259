//! A client's stream of bytes, with deadlines, and with documents where hyper has a bare status.

use std::{
    io::{self, ErrorKind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf as _, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};

use super::{
    refusal,
    watch::{Phase, Watch},
};
use crate::web::Code;

/// A stream under watch.
pub(super) struct Watched {
    stream: Arc<TcpStream>,
    watch: Arc<Watch>,
    refusals: refusal::Log,
    /// What was read to find out the protocol, and is to be read again.
    again: Bytes,
    /// Instead of something that hyper wrote, or what is left of it.
    instead: Bytes,
    /// For the deadline of the phase. It may be set to an earlier one that has moved since.
    alarm: Pin<Box<Sleep>>,
    /// While the client takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Watched {
    pub(super) fn new(stream: Arc<TcpStream>, watch: Arc<Watch>, refusals: refusal::Log) -> Self {
        let alarm = Box::pin(sleep_until(watch.deadline().0));
        let (again, instead) = (Bytes::new(), Bytes::new());
        Self { stream, watch, refusals, again, instead, alarm, stalled: None }
    }

    /// Gives back what was read.
    pub(super) fn unread(&mut self, bytes: Bytes) {
        self.again = bytes;
    }

    /// Ready when the phase took too long.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Phase> {
        self.watch.register(cx.waker());
        loop {
            let (end, phase) = self.watch.deadline();
            if end < self.alarm.deadline() {
                self.alarm.as_mut().reset(end);
            }
            ready!(self.alarm.as_mut().poll(cx));
            if end <= Instant::now() {
                return Poll::Ready(phase);
            }
            self.alarm.as_mut().reset(end);
        }
    }

    /// The client did not send in time.
    fn too_late(&mut self, phase: Phase) -> io::Error {
        let is_clear = self.stalled.is_none() && self.instead.is_empty();
        if phase == Phase::Head && is_clear {
            // So few bytes fit into what the system keeps for the client.
            let _ = self.stream.try_write(&self.refusals.document(Code::RequestTimeout));
            self.watch.say_last();
        }
        ErrorKind::TimedOut.into()
    }

    fn poll_try<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: fn(&TcpStream, &mut Context<'_>) -> Poll<io::Result<()>>,
        mut attempt: impl FnMut(&TcpStream) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            ready!(poll(&self.stream, cx))?;
            match attempt(&self.stream) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => (),
                result => return Poll::Ready(result),
            }
        }
    }

    /// Writes, within the time that a client has to take something.
    fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let sent = self.poll_try(cx, TcpStream::poll_write_ready, |stream| stream.try_write(bytes));
        if sent.is_ready() {
            self.stalled = None;
            return sent;
        }
        let patience: Duration = self.watch.timeouts.write;
        let stalled =
            self.stalled.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + patience)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }

    fn poll_send_instead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.instead.is_empty() {
            let bytes = self.instead.clone();
            let sent = ready!(self.poll_send(cx, &bytes))?;
            self.instead.advance(sent);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.again.is_empty() {
            let length = this.again.len().min(buffer.remaining());
            buffer.put_slice(&this.again.split_to(length));
            return Poll::Ready(Ok(()));
        }
        let read = this.poll_try(cx, TcpStream::poll_read_ready, |stream| {
            let (room, mut some) = (buffer.remaining(), None);
            let result =
                stream.try_io(Interest::READABLE, || match stream.try_read_buf(buffer)? {
                    // There was less than there is room for, so that there is no more. The runtime is told
                    // that, and need not ask the system in vain.
                    length if (1..room).contains(&length) => {
                        some = Some(length);
                        Err(ErrorKind::WouldBlock.into())
                    }
                    length => Ok(length),
                });
            some.map_or(result, Ok)
        });
        match read {
            Poll::Ready(Ok(0)) => this.watch.hear_last(),
            Poll::Ready(Ok(_)) => this.watch.received(),
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => {
                let phase = ready!(this.poll_deadline(cx));
                return Poll::Ready(Err(this.too_late(phase)));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_send_instead(cx))?;
        let bare = if this.watch.is_busy() { None } else { refusal::bare(bytes) };
        match bare {
            Some((0, code)) => {
                this.instead = this.refusals.document(code).into();
                this.watch.say_last();
                Poll::Ready(Ok(bytes.len()))
            }
            // Behind an answer: that goes first.
            Some((start, _)) => this.poll_send(cx, &bytes[..start]),
            None => this.poll_send(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_send_instead(cx)
    }

    /// The connection itself is shut down by the one who holds it.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}
