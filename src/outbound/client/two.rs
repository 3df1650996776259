//! A connection of HTTP/2, which carries many requests at once, and a task for it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{
    body::Incoming,
    client::conn::http2::{Builder, SendRequest},
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::task::JoinHandle;

use super::{Lost, one::Failed};
use crate::outbound::{
    PING, causes,
    connector::{Stream, Unconnected, minds_our_certificate},
};

pub(super) struct Two {
    sender: SendRequest<Full<Bytes>>,
    /// Its task, for the one who opened it.
    task: Option<JoinHandle<()>>,
}

impl Two {
    /// Begins to speak HTTP/2, in a task that ends with the connection.
    pub(super) async fn begin(stream: Box<dyn Stream>) -> Result<Self, Unconnected> {
        let mut two = Builder::new(TokioExecutor::new());
        two.timer(TokioTimer::new()).keep_alive_interval(PING).keep_alive_timeout(PING);
        let begun = two.handshake(TokioIo::new(stream)).await;
        let (sender, connection) = begun.map_err(|error| {
            tracing::debug!(cause = %error, "no connection");
            Unconnected::NoConnection
        })?;
        let task = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(cause = %error, "a connection ended");
            }
        });
        Ok(Self { sender, task: Some(task) })
    }

    /// The same once more.
    pub(super) fn share(&self) -> Self {
        Self { sender: self.sender.clone(), task: None }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    /// Ready when it is at its end. Only who opened it is told.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let task = self.task.as_mut();
        task.map_or(Poll::Pending, |task| Pin::new(task).poll(cx).map(|_| ()))
    }

    pub(super) async fn ask(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Failed> {
        self.sender.try_send_request(request).await.map_err(|mut error| {
            // Who gets the request back knows that nothing of it was sent.
            let is_unsent = error.take_message().is_some();
            let failed = failed(&error.into_error());
            if is_unsent { Failed::Unsent } else { failed }
        })
    }
}

fn failed(error: &hyper::Error) -> Failed {
    let cause = causes(error).last().map(ToString::to_string).unwrap_or_default();
    tracing::debug!(cause, "the request failed");
    let lost = if error.is_parse() {
        Lost::NotHttp
    } else if minds_our_certificate(error) {
        Unconnected::ClientCertificate.into()
    } else if error.is_canceled() {
        Unconnected::NoConnection.into()
    } else if is_end(error) {
        return Failed::Ended;
    } else {
        Lost::HungUp
    };
    Failed::Lost(lost)
}

/// The end of a connection before a whole head. (Whether there was part of one cannot be known.)
fn is_end(error: &hyper::Error) -> bool {
    let io = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>());
    let kinds = [
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::ConnectionAborted,
        io::ErrorKind::BrokenPipe,
    ];
    error.is_incomplete_message() || { io }.any(|io| kinds.contains(&io.kind()))
}
