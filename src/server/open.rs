//! Getting the sockets to serve.

use std::{io, net::SocketAddr};

use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;
use tokio::net::{TcpListener, TcpSocket};

/// How many connections may wait to be taken in. The system may allow fewer (net.core.somaxconn).
const BACKLOG: u32 = 4096;

/// Opens `address`.
///
/// # Errors
/// When the address is not to be had.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // What is left of connections that are over is in nobody's way.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The sockets that whoever started this process opened for it (systemd's socket activation). They
/// stay open while one process takes over from another, so that no client notices.
#[derive(Debug)]
pub struct Inherited {
    /// The first, for callers.
    pub public: TcpListener,
    /// The second, for the machine itself.
    pub admin: Option<TcpListener>,
}

impl Inherited {
    /// Takes them, as `LISTEN_FDS` and `LISTEN_PID` say, if there are any.
    ///
    /// # Errors
    /// When they are no listening TCP sockets.
    pub fn take() -> io::Result<Option<Self>> {
        let mut passed = ListenFd::from_env();
        let mut next = |at| match passed.take_tcp_listener(at)? {
            Some(listener) => {
                if !socket_acceptconn(&listener)? {
                    return Err(io::Error::other("a socket that was passed on does not listen"));
                }
                listener.set_nonblocking(true)?;
                TcpListener::from_std(listener).map(Some)
            }
            None => Ok(None),
        };
        let Some(public) = next(0)? else { return Ok(None) };
        Ok(Some(Self { public, admin: next(1)? }))
    }
}
