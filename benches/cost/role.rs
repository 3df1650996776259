//! What this program is when it is told: the bench, or one of the servers that it needs.

use std::{future::Future, io::Read as _, net::SocketAddr};

use tokio::{net::TcpListener, runtime::Builder, task::LocalSet};

use super::{constant, stand_in};

/// Whether this process was one of the servers.
pub fn play() -> bool {
    let args: Vec<String> = std::env::args().collect();
    let address = |text: &str| text.parse::<SocketAddr>().unwrap();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[1..] {
        ["stand-in", plain, http1, http2, folder] => {
            end_with_the_bench();
            stand_in::run([plain, http1, http2].map(address), folder.as_ref());
        }
        ["constant", at] => {
            end_with_the_bench();
            constant::run(address(at));
        }
        _ => return false,
    }
    true
}

/// Standard input is a pipe from the bench; it ends when the bench does, however that ends.
fn end_with_the_bench() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::abort();
    });
}

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
