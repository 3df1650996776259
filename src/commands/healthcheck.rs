//! `valetkey healthcheck`

use std::time::Duration;

use super::{Failure, load::ServerSources, reachable};

/// Ask the running server whether it is ready; for container images without a shell
///
/// Reads the same settings as the server to find it, so run it with the same environment and files.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = super::EXIT_STATUS)]
pub struct Args {
    #[command(flatten)]
    sources: ServerSources,
}

/// Longer is not healthy.
const DEADLINE: Duration = Duration::from_secs(3);

/// Asks `/readyz`.
///
/// # Errors
/// When the server cannot be reached in time or is not ready.
pub async fn run(args: Args) -> Result<(), Failure> {
    // Problems are the server's to complain about: it may have options that this command has not.
    let loaded = args.sources.load(false);
    let url = format!("http://{}/readyz", reachable(loaded.settings.server.listen));
    let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build();
    let client = client.map_err(|error| Failure::Failed(error.to_string()))?;
    let status = match client.get(&url).send().await {
        Ok(response) => response.status(),
        Err(error) => {
            let why = if error.is_timeout() { "does not answer" } else { "cannot be reached" };
            return Err(Failure::Failed(format!("{url} {why}")));
        }
    };
    if status.is_success() {
        Ok(())
    } else {
        Err(Failure::Failed(format!("{url} answers {status}")))
    }
}
