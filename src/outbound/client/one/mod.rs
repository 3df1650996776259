//! A connection of HTTP/1.1 without a task of its own: who asks writes, waits and reads.
//!
//! It holds one small buffer while it waits, and wakes nobody but the one who waits. The library's
//! client hands each request to a task of the connection's, which holds three.

mod body;
mod head;
#[cfg(test)]
mod tests;

use std::{
    future::poll_fn,
    io::{self, ErrorKind},
    pin::{Pin, pin},
    task::{Context, Poll, Waker, ready},
};

use bytes::{Buf as _, BytesMut};
use http::StatusCode;
use tokio::io::{AsyncRead as _, AsyncReadExt as _, AsyncWrite as _, ReadBuf};

use self::{
    body::Chunks,
    head::{Head, Length},
};
use super::Lost;
use crate::outbound::{
    Unread, causes,
    connector::{Stream, Unconnected, minds_our_certificate},
};

/// The longest head of an answer, in bytes, with all that says only that it is still to come.
const LONGEST_HEAD: usize = 32 * 1024;

/// What there is room for whenever something is read, in bytes.
const ROOM: usize = 1024;

pub(in crate::outbound) struct One {
    stream: Box<dyn Stream>,
    /// It is known to be at its end, or to have said what nobody asked for.
    is_over: bool,
    /// It has carried an answer. Before that, TLS may have said something of its own that is still to
    /// be read.
    has_answered: bool,
}

/// An answer of which the head has come.
pub(in crate::outbound) struct Answer {
    head: Head,
    /// The head, and what came with it.
    text: BytesMut,
    /// It came before the request was sent.
    is_early: bool,
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::outbound) enum Failed {
    /// The connection is at its end, and nothing of the request was sent.
    Unsent,
    /// The connection came to its end, and nothing of an answer had come.
    Ended,
    /// Anything else.
    Lost(Lost),
}

impl One {
    pub(in crate::outbound) const fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, is_over: false, has_answered: false }
    }

    /// Ready when it is at its end, or never was HTTP: without a request there is no answer.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_over {
            let mut one = [0; 1];
            let read = Pin::new(&mut self.stream).poll_read(cx, &mut ReadBuf::new(&mut one));
            // However it ended, it did.
            let _ = ready!(read);
            self.is_over = true;
        }
        Poll::Ready(())
    }

    /// Whether it is open, as far as is known. The runtime may not have been told yet of what came, so
    /// that the system is asked as well: what is there before a request is no answer to it.
    pub(super) fn is_open(&mut self) -> bool {
        let end = self.poll_end(&mut Context::from_waker(Waker::noop()));
        self.is_over |= end.is_pending() && self.has_answered && self.stream.has_unread();
        !self.is_over
    }

    /// Sends `request`, and waits for the head of its answer.
    pub(in crate::outbound) async fn ask(&mut self, request: BytesMut) -> Result<Answer, Failed> {
        let (mut text, is_early) = self.send(request).await?;
        let mut interim = 0;
        loop {
            match Head::parse(&text).map_err(|_| Failed::Lost(Lost::NotHttp))? {
                Some(head) if head.is_interim() => {
                    interim += head.end;
                    text.advance(head.end);
                    continue;
                }
                Some(head) => return Ok(Answer { head, text, is_early }),
                None if interim + text.len() >= LONGEST_HEAD => {
                    return Err(Failed::Lost(Lost::NotHttp));
                }
                None => (),
            }
            let is_first = interim + text.len() == 0;
            if let Err(error) = self.read(&mut text).await {
                return Err(if is_first { failed(&error) } else { cut_off(&error) });
            }
        }
    }

    /// What came meanwhile, in the buffer that the request was in if there is nothing; and whether
    /// that was before all was sent.
    async fn send(&mut self, mut request: BytesMut) -> Result<(BytesMut, bool), Failed> {
        let (mut sent, mut came) = (0, BytesMut::new());
        let result = poll_fn(|cx| {
            let failed = match self.poll_send(cx, &request, &mut sent) {
                Poll::Ready(Ok(())) => return Poll::Ready(Ok(())),
                Poll::Ready(Err(error)) => Some(error),
                Poll::Pending => None,
            };
            // Who does not take it may have said why.
            match (pin!(self.read(&mut came)).poll(cx), failed) {
                (Poll::Pending, Some(error)) => Poll::Ready(Err(error)),
                (read, _) => read,
            }
        });
        match result.await {
            Ok(()) if came.is_empty() => {
                request.clear();
                Ok((request, false))
            }
            Ok(()) => Ok((came, true)),
            Err(error) => match failed(&error) {
                Failed::Ended if sent == 0 => Err(Failed::Unsent),
                failed => Err(failed),
            },
        }
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        request: &[u8],
        sent: &mut usize,
    ) -> Poll<io::Result<()>> {
        while *sent < request.len() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &request[*sent..]))? {
                0 => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                some => *sent += some,
            }
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Reads some more, at least one byte.
    async fn read(&mut self, text: &mut BytesMut) -> io::Result<()> {
        text.reserve(ROOM);
        match self.stream.read_buf(text).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Reads the body, if it has at most `most` bytes; and whether another request can be sent.
    pub(in crate::outbound) async fn body(
        &mut self,
        answer: Answer,
        most: usize,
    ) -> Result<(Vec<u8>, bool), Unread> {
        let Answer { head, mut text, is_early } = answer;
        text.advance(head.end);
        let body = match head.length {
            Length::Known(length) => {
                let length = usize::try_from(length).ok().filter(|length| *length <= most);
                let length = length.ok_or(Unread::TooLarge)?;
                while text.len() < length {
                    self.read(&mut text).await.map_err(|_| Unread::Truncated)?;
                }
                text.split_to(length).into()
            }
            Length::Chunked => {
                let mut chunks = Chunks::new(most);
                while !chunks.take(&mut text)? {
                    self.read(&mut text).await.map_err(|_| Unread::Truncated)?;
                }
                chunks.body
            }
            Length::UntilEnd => {
                while self.is_more(&mut text).await? && text.len() <= most {}
                Some(text.split().into())
                    .filter(|it: &Vec<u8>| it.len() <= most)
                    .ok_or(Unread::TooLarge)?
            }
        };
        self.has_answered = true;
        // What was not asked for makes everything that follows doubtful.
        Ok((body, head.keeps && !is_early && text.is_empty()))
    }

    async fn is_more(&mut self, text: &mut BytesMut) -> Result<bool, Unread> {
        text.reserve(ROOM);
        // With TLS an end that is not said to be one may come from anybody, and is an error.
        self.stream.read_buf(text).await.map(|length| length > 0).map_err(|_| Unread::Truncated)
    }
}

impl Answer {
    pub(in crate::outbound) const fn status(&self) -> StatusCode {
        self.head.status
    }

    /// The values of the header `name` that are text.
    pub(in crate::outbound) fn values(&self, name: &str) -> Vec<&str> {
        head::values(&self.text[..self.head.end], name)
    }
}

/// What it means that nothing came.
fn failed(error: &io::Error) -> Failed {
    match error.kind() {
        ErrorKind::UnexpectedEof
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe => {
            tracing::debug!(cause = %error, "the request failed");
            Failed::Ended
        }
        _ => cut_off(error),
    }
}

/// What it means that no more came.
fn cut_off(error: &io::Error) -> Failed {
    let cause = causes(error).last().map(ToString::to_string).unwrap_or_default();
    tracing::debug!(cause, "the request failed");
    Failed::Lost(match minds_our_certificate(error) {
        true => Unconnected::ClientCertificate.into(),
        false => Lost::HungUp,
    })
}
