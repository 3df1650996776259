//! Answers to what never becomes a request.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
    metrics::Metrics,
    web::{self, Code},
};

/// How long a client that was refused may go on sending before it is hung up on.
const LINGER: Duration = Duration::from_secs(2);

/// How much it may send in that time, in bytes.
const LINGER_BYTES: usize = 64 * 1024;

/// Makes the documents, and counts them.
#[derive(Clone)]
pub(super) struct Log(pub(super) Metrics);

impl Log {
    /// A whole answer, as it goes over the wire.
    pub(super) fn document(&self, code: Code) -> Vec<u8> {
        self.0.connection_refused(code.name());
        web::raw_answer(code)
    }
}

/// Where in `bytes` hyper's own answer to what it cannot parse begins, and what it means. It is the
/// last that hyper writes to a connection, and the only answer without a request id.
pub(super) fn bare(bytes: &[u8]) -> Option<(usize, Code)> {
    const BEGIN: &[u8] = b"HTTP/1.1 4";
    if !bytes.ends_with(b"\r\n\r\n") {
        return None;
    }
    let start = bytes.windows(BEGIN.len()).rposition(|it| it == BEGIN)?;
    let head = std::str::from_utf8(&bytes[start..]).ok()?;
    if head.contains("x-request-id") {
        return None;
    }
    let code = match head.get(BEGIN.len()..BEGIN.len() + 2) {
        Some("14") => Code::UriTooLong,
        Some("31") => Code::HeadersTooLarge,
        _ => Code::MalformedRequest,
    };
    Some((start, code))
}

/// Closes a connection so that the last answer arrives: where the client is still sending, hanging up
/// at once would destroy it on its way.
pub(super) async fn linger(mut stream: TcpStream) {
    let farewell = async {
        stream.shutdown().await?;
        // Not within the future, which is a part of every connection's task.
        let mut rest = vec![0; 4096];
        let mut room = LINGER_BYTES;
        while room > 0 {
            match stream.read(&mut rest).await? {
                0 => break,
                read => room = room.saturating_sub(read),
            }
        }
        std::io::Result::Ok(())
    };
    // However it ends, it ends.
    let _ = timeout(LINGER, farewell).await;
}
