//! `valetkey mint`

use super::{Failure, load::Sources, print};
use crate::{
    base::clock::Clock, error::Error, policy::Denied, shape::Token, token::MintRequest,
    vending::try_out,
};

/// Mint one token and print it as JSON, in the shape of POST /tokens/{type}
///
/// For scripts, and for seeing whether a key works. The token is a secret: mind where it is printed.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = super::EXIT_STATUS)]
pub struct Args {
    /// The token type, such as xai_realtime or realtime_scribe
    #[arg(value_name = "TYPE")]
    token_type: String,
    /// The lifetime in seconds, where the type leaves it to the caller
    #[arg(long, value_name = "SECONDS", value_parser = whole_seconds)]
    ttl: Option<u64>,
    #[command(flatten)]
    sources: Sources,
}

/// Mints and prints a token.
///
/// # Errors
/// When the settings will not do, there is no such type, or the provider gives none.
pub async fn run(args: Args) -> Result<(), Failure> {
    let live = args.sources.load().live()?;
    let request = MintRequest { ttl: args.ttl, ..MintRequest::default() };
    match try_out(&live, &args.token_type, &request).await.result {
        Ok(vended) => {
            let token = Token::new(&vended, Clock::system().unix());
            let json = serde_json::to_string_pretty(&token);
            print(&json.map_err(|error| Failure::Failed(error.to_string()))?)
        }
        Err(error @ Error::UnknownTokenType { .. }) => Err(Failure::Usage(error.to_string())),
        Err(Error::Denied(denied)) => Err(Failure::Usage(in_our_words(&denied))),
        Err(error) => Err(Failure::Failed(error.to_string())),
    }
}

fn whole_seconds(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "expected whole seconds, such as 300".to_owned())
}

/// A refusal speaks of the body of a request; here there is an option instead.
fn in_our_words(denied: &Denied) -> String {
    denied
        .to_string()
        .replace("`expires_after.seconds`", "--ttl")
        .replace("`expires_after`", "--ttl")
}
