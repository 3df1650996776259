//! What comes over a connection of HTTP/1.1, whoever sends it.

use std::cell::RefCell;

use http_body_util::{BodyExt as _, Empty};
use hyper::{Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    runtime::{Builder, Runtime},
};

use crate::outbound::fuzzing::{Unreadable, read};

/// The longest head, in bytes.
const LONGEST_HEAD: usize = 32 * 1024;

thread_local! {
    static RUNTIME: RefCell<Runtime> =
        RefCell::new(Builder::new_current_thread().build().expect("a runtime can be made"));
}

/// A reply is what a library that knows nothing of ours reads in the same bytes, in whatever pieces
/// they come. The first byte says in how large ones.
pub fn reply(data: &[u8]) {
    let Some((size, data)) = data.split_first() else { return };
    RUNTIME.with_borrow(|runtime| {
        runtime.block_on(async {
            let ours = read(sends(data, data.len()), usize::MAX).await;
            let pieces = read(sends(data, usize::from(*size).max(1)), usize::MAX).await;
            assert_eq!(ours, pieces, "pieces of {size} bytes are read in another way");
            let theirs = library(sends(data, data.len())).await;
            if ours == Err(Unreadable::Body) && has_bare_ends(data) {
                // Between chunks and behind them we are stricter.
                return;
            }
            assert_eq!(ours, theirs, "{:?}", data.escape_ascii().to_string());
        });
    });
}

/// Whether a line ends without a carriage return.
fn has_bare_ends(data: &[u8]) -> bool {
    let mut lines = data.split_inclusive(|byte| *byte == b'\n');
    lines.any(|line| line.ends_with(b"\n") && !line.ends_with(b"\r\n"))
}

/// A stream that `data` comes over in pieces of `size` bytes, and then no more.
fn sends(data: &[u8], size: usize) -> DuplexStream {
    let (near, mut far) = duplex(size.max(256));
    let data = data.to_vec();
    tokio::spawn(async move {
        // What comes without a request is no answer to one.
        let _ = far.read(&mut [0; 256]).await;
        for piece in data.chunks(size.max(1)) {
            if far.write_all(piece).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
    });
    near
}

async fn library(stream: DuplexStream) -> Result<(u16, Vec<u8>), Unreadable> {
    let begun =
        http1::Builder::new().max_buf_size(LONGEST_HEAD).handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = begun.map_err(|_| Unreadable::Head)?;
    tokio::spawn(connection);
    let request = Request::post("/").body(Empty::<Bytes>::new()).expect("a request can be made");
    let response = sender.send_request(request).await.map_err(|_| Unreadable::Head)?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.map_err(|_| Unreadable::Body)?;
    Ok((status, body.to_bytes().to_vec()))
}
