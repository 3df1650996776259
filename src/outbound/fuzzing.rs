//! The way in for [`crate::fuzzing`]: what is private here, and reads what a server sends.

use bytes::BytesMut;
use tokio::io::DuplexStream;

use super::client::one::One;

/// Which part of an answer cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    Head,
    Body,
}

/// The status and the body that come over `stream` for a request.
pub(crate) async fn read(stream: DuplexStream, most: usize) -> Result<(u16, Vec<u8>), Unreadable> {
    let mut one = One::new(Box::new(stream));
    let request = BytesMut::from("POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n");
    let answer = one.ask(request).await.map_err(|_| Unreadable::Head)?;
    let status = answer.status().as_u16();
    let (body, _) = one.body(answer, most).await.map_err(|_| Unreadable::Body)?;
    Ok((status, body))
}
