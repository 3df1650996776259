//! What the servers of the bench have in common: a listener, one thread, and their end.

use std::{future::Future, io::Read as _, net::SocketAddr};

use tokio::{net::TcpListener, runtime::Builder, task::LocalSet};

/// Many more than the bench opens at once may be waiting to be accepted.
const BACKLOG: u32 = 16_384;

/// Listens, inside of a runtime.
pub fn listen(address: SocketAddr) -> TcpListener {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket.listen(BACKLOG).unwrap()
}

/// Runs it on this thread alone.
pub fn on_one_thread<T>(work: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, work)
}

/// Standard input is a pipe from the bench; it ends when the bench does, however that ends.
pub fn end_with_the_bench() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::abort();
    });
}
