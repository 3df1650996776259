//! `valetkey keygen`

use std::str::FromStr as _;

use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Failure, eprint, print};
use crate::{
    caller::{PUBLISHABLE_PREFIX, SECRET_PREFIX, sha256},
    settings::{KeyId, Origin},
};

/// The length of a key, in bytes: nobody guesses 256 bits.
const LENGTH: usize = 32;

/// Make a caller key: prints the key, once, and the settings with its hash
///
/// Give the key to the caller, and the settings to the server, which never sees the key before the
/// caller sends it, as Authorization: Bearer.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = super::EXIT_STATUS)]
pub struct Args {
    /// The caller's name in the log, the audit and the limits
    #[arg(long, default_value = "my-caller", value_parser = KeyId::from_str)]
    id: KeyId,
    /// A key that may sit in a page: good only for pages of the origins given
    #[arg(long, requires = "origins")]
    publishable: bool,
    /// An origin that the key is good for, as browsers send it; may be given several times
    #[arg(long = "origin", value_name = "ORIGIN", value_parser = exact)]
    origins: Vec<String>,
}

/// Prints a new key and its settings.
///
/// # Errors
/// When there is no randomness, or nobody to print to.
pub async fn run(args: Args) -> Result<(), Failure> {
    let mut bytes = [0; LENGTH];
    rand::fill(&mut bytes).map_err(|_| "the system gives no random bytes".to_owned())?;
    let prefix = if args.publishable { PUBLISHABLE_PREFIX } else { SECRET_PREFIX };
    let key = format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes));
    let hash: String = sha256(&key).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut settings = format!("[[auth.keys]]\nid = {:?}\nsha256 = \"{hash}\"\n", args.id.0);
    if args.publishable {
        settings.push_str("publishable = true\n");
    }
    if !args.origins.is_empty() {
        settings.push_str(&format!("origins = {:?}\n", args.origins));
    }
    // On standard output stands what a script can take: the key in the first line.
    print(&format!("{key}\n\n{settings}"))?;
    eprint(
        "The first line is the key, for the caller. It is shown this once: it cannot be had from \
         the hash.\nThe rest is for the server's settings, in a file for --config.",
    );
    Ok(())
}

/// An origin that a key can be good for.
fn exact(text: &str) -> Result<String, String> {
    match text.parse()? {
        Origin::Exact(text) => Ok(text),
        Origin::Any => Err("name the origins; \"*\" would be all of them".to_owned()),
    }
}
