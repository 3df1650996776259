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
    hangup: Signal,
    on_terminal: bool,
}

impl Signals {
    /// From here on the signals no longer end the process by themselves.
    pub(super) fn listen() -> io::Result<Self> {
        // An audit at its `ulimit -f` is to be a write that failed, as on a full disk. A signal that was
        // taken once stays so.
        drop(signal(SignalKind::from_raw(FILE_TOO_LARGE))?);
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: hangup()?,
            on_terminal: io::stderr().is_terminal(),
        })
    }

    /// Waits for the next one. SIGHUP is one where the terminal has gone that this was started in:
    /// whoever closes that does not mean to leave a server behind.
    pub(super) async fn next(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => {
                    if self.on_terminal && !io::stderr().is_terminal() {
                        return;
                    }
                }
            }
        }
    }
}
