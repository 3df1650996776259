//! `valetkey sandbox`

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::{Failure, banner, bind, load::Sources, print, reachable, signals::Signals};
use crate::{
    sandbox::{self, Fault, Options},
    telemetry,
};

/// Serve the stand-in providers alone, for a frontend's own tests
///
/// They speak xAI's and ElevenLabs' HTTP routes and WebSockets on one address, and take the keys
/// that are printed at the start.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = super::EXIT_STATUS)]
pub struct Args {
    #[command(flatten)]
    sources: Sources,
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// A fault of theirs, such as xai/mint:status=429,retry_after=7; may be given several times
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<Fault>,
}

/// The stand-ins inside `serve --sandbox`.
#[derive(Clone, Debug, clap::Args)]
pub struct StandIns {
    /// Where the stand-in providers listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9000", requires = "sandbox")]
    sandbox_listen: SocketAddr,
    /// A fault of the stand-in providers, such as xai/mint:status=429,retry_after=7; may be given
    /// several times
    #[arg(long = "fault", value_name = "FAULT", requires = "sandbox")]
    faults: Vec<Fault>,
}

impl StandIns {
    /// Opens their socket; `setting` is what to change when that cannot be done.
    pub(super) async fn open(self, setting: &str) -> Result<(TcpListener, Options), Failure> {
        let listener = bind(self.sandbox_listen, setting)?;
        Ok((listener, Options { faults: self.faults, ..Options::default() }))
    }
}

/// Serves until SIGTERM or Ctrl-C.
///
/// # Errors
/// When the address cannot be listened on, or the log's settings will not do.
pub async fn run(args: Args) -> Result<(), Failure> {
    let loaded = args.sources.load();
    if !loaded.problems.is_empty() {
        return Err(Failure::Settings(loaded.problems));
    }
    let mut signals = Signals::listen()?;
    let listener = bind(args.listen, "--listen")?;
    let _log = telemetry::start(&loaded.settings.log);
    let address = listener.local_addr()?;
    tracing::warn!(stand_ins = %address, "SANDBOX: these are stand-in providers, the tokens are worth nothing");
    print(&banner::sandbox(reachable(address)))?;
    let options = Options { faults: args.faults, ..Options::default() };
    sandbox::run(listener, options, async move { signals.next().await }).await?;
    Ok(())
}
