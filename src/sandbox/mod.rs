//! Faithful stand-ins for the voice providers, to run and test against without keys or network.
//!
//! One listener plays both xAI and ElevenLabs: the mint routes, the sockets that take the minted
//! tokens, and their errors in the providers' own shapes. Faults can be set per provider and route,
//! from the command line or at run time under `/_sandbox`, and every request is kept in a history
//! with its credentials masked.
//!
//! Nothing here may import the rest of the crate: a stand-in that shared our code would share our
//! mistakes. What the providers do was read from their documentation and SDKs.

mod clock;
mod control;
mod elevenlabs;
mod fault;
mod front;
mod gateway;
mod history;
mod lock;
mod mask;
mod query;
mod route;
mod router;
mod socket;
mod state;
mod tokens;
mod tone;
mod wire;
mod xai;

use std::{future::Future, io, time::Duration};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use fault::{Fault, FaultError};

/// The one xAI API key the stand-in accepts.
pub const XAI_KEY: &str = "xai-sandbox-key";

/// The one ElevenLabs API key the stand-in accepts.
pub const ELEVENLABS_KEY: &str = "sk_sandbox_key";

/// The API key that the stand-in for a provider of this kind accepts; `None` if there is no stand-in.
pub fn key(kind: &str) -> Option<&'static str> {
    match kind {
        "xai" => Some(XAI_KEY),
        "elevenlabs" => Some(ELEVENLABS_KEY),
        _ => None,
    }
}

/// How long requests in flight may still take once the shutdown has begun.
const GRACE: Duration = Duration::from_millis(800);

/// How the stand-ins behave.
#[derive(Clone, Debug)]
pub struct Options {
    /// Faults in force from the start; the newest that matches a request wins.
    pub faults: Vec<Fault>,
    /// How long an ElevenLabs token lives; the provider documents 15 minutes.
    pub token_lifetime: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { faults: Vec::new(), token_lifetime: Duration::from_secs(900) }
    }
}

/// Serves both stand-ins on `listener` until `shutdown` completes.
///
/// Returns within about a second of `shutdown`, however many requests hang: they get a short grace,
/// then their connections are cut. Dropping the future cuts every connection at once.
///
/// # Errors
///
/// When the listener has no local address, which is to say that it is not usable.
pub async fn run(
    listener: TcpListener,
    options: Options,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (closing, cut) = (CancellationToken::new(), CancellationToken::new());
    let _closing_on_drop = closing.clone().drop_guard();
    let _cut_on_drop = cut.clone().drop_guard();

    let sandbox = state::Sandbox::new(options, closing.clone());
    let listener = wire::Tap::new(listener, cut);
    let service = router::router(sandbox).into_make_service_with_connect_info::<wire::Line>();
    let begun = closing.clone();
    let serve = axum::serve(listener, service)
        .with_graceful_shutdown(async move { begun.cancelled().await })
        .into_future();
    let out_of_grace = async {
        shutdown.await;
        closing.cancel();
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = serve => served,
        () = out_of_grace => Ok(()),
    }
}
