//! SIGTERM and Ctrl-C, and SIGHUP.

use std::io::{self, IsTerminal as _};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// `SIGXFSZ`, of a write beyond the size that a file may have, on every platform that is built for.
const FILE_TOO_LARGE: i32 = 25;

/// SIGHUP, the word that settings changed. From here on it no longer ends the process.
pub(super) fn hangup() -> io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// The ways in which a process is asked to stop.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// Where there is a terminal to lose, and SIGHUP does not end the process by itself.
    hangup: Option<Signal>,
}

impl Signals {
    /// From here on SIGTERM and Ctrl-C no longer end the process by themselves.
    pub(super) fn listen() -> io::Result<Self> {
        // An audit at its `ulimit -f` is to be a write that failed, as on a full disk. A signal that was
        // taken once stays so.
        drop(signal(SignalKind::from_raw(FILE_TOO_LARGE))?);
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: None,
        })
    }

    /// The same where SIGHUP means something else. Whoever closes the terminal in which a server runs
    /// does not mean to leave it behind.
    pub(super) fn listen_beside_hangup() -> io::Result<Self> {
        let hangup = io::stderr().is_terminal().then(hangup).transpose()?;
        Ok(Self { hangup, ..Self::listen()? })
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        let hangup = &mut self.hangup;
        let terminal_gone = async {
            let Some(hangup) = hangup else { return std::future::pending().await };
            while hangup.recv().await.is_some() && io::stderr().is_terminal() {}
        };
        tokio::select! {
            _ = self.terminate.recv() => (),
            _ = self.interrupt.recv() => (),
            () = terminal_gone => (),
        }
    }
}
