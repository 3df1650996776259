//! `valetkey serve`

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use tokio::{net::TcpListener, time::timeout};

use super::{
    Failure, banner, bind, dumps,
    load::{Loaded, ServerSources},
    print, reachable,
    signals::{self, Signals},
};
use crate::{
    app::App,
    base::secret::{Secret, SecretRef},
    reload, sandbox,
    server::{self, Inherited, Listeners},
    settings::{Settings, Transport},
    telemetry,
};

/// How long the records of tokens that nobody gets may take when it stops at once.
const LAST_RECORDS: Duration = Duration::from_millis(500);

/// Serve tokens over HTTP
///
/// Needs the API key of at least one provider in the environment: XAI_API_KEY, ELEVENLABS_API_KEY,
/// or XAI_API_KEY_FILE and ELEVENLABS_API_KEY_FILE for files that hold them. Or none with --sandbox.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = super::EXIT_STATUS)]
pub struct Args {
    #[command(flatten)]
    sources: ServerSources,
    /// Vend from stand-in providers inside this process: no keys, no network, worthless tokens
    #[arg(long)]
    sandbox: bool,
    #[command(flatten)]
    stand_ins: super::sandbox::StandIns,
}

/// Serves until SIGTERM or Ctrl-C.
///
/// # Errors
/// When the settings will not do, or an address cannot be listened on.
pub async fn run(mut args: Args) -> Result<(), Failure> {
    // Before anything that takes time: settings may change meanwhile.
    let hangup = signals::hangup()?;
    let inherited = Inherited::take()
        .map_err(|error| format!("cannot use the sockets that LISTEN_FDS tells of: {error}"))?;
    // Whoever may ask is decided by where it really listens.
    args.sources.inherited = inherited.as_ref().map(|it| it.public.local_addr()).transpose()?;
    let sandbox = args.sandbox;
    let stand_ins = match args.stand_ins {
        stand_ins if sandbox => Some(stand_ins.open("--sandbox-listen").await?),
        _ => None,
    };
    let address = stand_ins.as_ref().map(|(listener, _)| listener.local_addr()).transpose()?;
    let load = move || {
        let mut loaded = args.sources.load(sandbox);
        if let Some(address) = address {
            point_at(&mut loaded, address);
        }
        loaded
    };
    let loaded = load();
    // First, because what is built may have something to say.
    let _log = telemetry::start(&loaded.settings.log);
    dumps::forbid();
    let (app, begun) = loaded.app(sandbox)?;
    let metrics = app.metrics().clone();
    telemetry::watch_panics(move || metrics.panicked());
    let settings = begun.settings.clone();
    let signals = Signals::listen_beside_hangup()?;
    if inherited.is_some() {
        tracing::info!("takes over the sockets that were passed on (LISTEN_FDS)");
    }
    let listeners = open(&settings, inherited)?;
    announce(&app, &settings, &listeners, stand_ins.as_ref().map(|(listener, _)| listener))?;
    let load_again = move |app: &App| load().fresh(&settings, app, sandbox);
    tokio::spawn(reload::run(app.clone(), begun, load_again, hangup));
    if let Some((listener, options)) = stand_ins {
        tokio::spawn(sandbox::run(listener, options, std::future::pending()));
    }
    serve(listeners, app, signals).await
}

/// Serves until the first signal, and no longer than to the second.
async fn serve(listeners: Listeners, app: App, mut signals: Signals) -> Result<(), Failure> {
    let (first, second) = tokio::sync::oneshot::channel::<()>();
    let stop_at_once = async move {
        signals.next().await;
        let _ = first.send(());
        signals.next().await;
    };
    let shutdown = async { drop(second.await) };
    let audit = app.audit().clone();
    tokio::select! {
        served = server::run(listeners, app.clone(), shutdown) => served?,
        () = stop_at_once => {
            tracing::warn!("stopped at once by a second signal");
            app.discard_pools();
            app.tasks().close();
            let _ = timeout(LAST_RECORDS, app.tasks().wait()).await;
        }
    }
    // What is still queued is written, if the sink takes it.
    let _ = tokio::task::spawn_blocking(move || audit.flush()).await;
    Ok(())
}

/// Makes every provider instance the stand-in of its kind.
fn point_at(loaded: &mut Loaded, address: SocketAddr) {
    // Browsers get this address, too.
    let address = reachable(address);
    for provider in loaded.settings.providers.values_mut() {
        let Some(key) = sandbox::key(&provider.kind) else { continue };
        provider.api_keys = vec![SecretRef::Given(Secret::new(key))];
        provider.transport = Transport::default();
        provider.base_url.set_scheme("http").ok();
        provider.base_url.set_path("");
        provider.base_url.set_ip_host(address.ip()).ok();
        provider.base_url.set_port(Some(address.port())).ok();
    }
}

/// Opens both listeners, so that both are complained about where neither is to be had.
fn open(settings: &Settings, inherited: Option<Inherited>) -> Result<Listeners, Failure> {
    let server = &settings.server;
    let other = "VALETKEY__SERVER__ADMIN_LISTEN (\"off\" for none)";
    let admin = || match server.admin_listen {
        Some(address) => bind(address, other).map(Some),
        None => Ok(None),
    };
    let (public, admin) = match inherited {
        Some(Inherited { public, admin: Some(given) }) => (Ok(public), Ok(Some(given))),
        Some(Inherited { public, admin: None }) => (Ok(public), admin()),
        None => {
            let setting = "--listen or VALETKEY__SERVER__LISTEN";
            (bind(server.listen, setting), admin())
        }
    };
    match (public, admin) {
        (Ok(public), Ok(admin)) => Ok(Listeners { public, admin }),
        (Err(one), Err(other)) => Err(Failure::Failed(format!("{one}\nvaletkey: {other}"))),
        (Err(one), Ok(_)) | (Ok(_), Err(one)) => Err(Failure::Failed(one)),
    }
}

fn announce(
    app: &App,
    settings: &Settings,
    listeners: &Listeners,
    stand_ins: Option<&TcpListener>,
) -> Result<(), Failure> {
    let live = app.live();
    let off = live.tokens.values().filter(|it| !it.enabled);
    let (no_provider, switched_off): (Vec<_>, Vec<_>) =
        off.partition(|it| !live.providers.contains(&it.provider));
    for provider in no_provider.iter().map(|it| &it.provider).collect::<BTreeSet<_>>() {
        tracing::info!(%provider, "off, with its token types: it is switched off or has no API key");
    }
    for token_type in switched_off.iter().map(|it| &it.name) {
        tracing::info!(%token_type, "off: it is switched off");
    }
    for token_type in live.tokens.keys() {
        if let Some(terms) = live.providers.pool_terms(token_type) {
            tracing::info!(%token_type, %terms, "tokens are minted ahead, once they are asked for");
        }
    }
    let public = listeners.public.local_addr()?;
    if settings.auth.anonymous && !public.ip().is_loopback() {
        tracing::warn!(listen = %public, "auth.anonymous = true: whoever reaches this address may mint");
    }
    let stand_ins = stand_ins.map(TcpListener::local_addr).transpose()?;
    if let Some(stand_ins) = stand_ins {
        tracing::warn!(%stand_ins, "SANDBOX: the providers are stand-ins, the tokens are worth nothing");
    }
    let admin = listeners.admin.as_ref().map(TcpListener::local_addr).transpose()?;
    let admin = admin.map_or("off".to_owned(), |address| address.to_string());
    let version = env!("CARGO_PKG_VERSION");
    let session = live.tokens.get(&live.session).filter(|it| it.enabled);
    if session.is_none() {
        let token = &live.session;
        tracing::warn!(%token, "POST /session vends nothing: session.token names a type that is off");
    }
    let callers = super::ways_in(&settings.auth);
    tracing::info!(version, listen = %public, admin_listen = admin, callers, "listening");
    // Last, so that its lines stand right above the prompt.
    match stand_ins {
        Some(stand_ins) => print(&banner::serve(reachable(public), reachable(stand_ins))),
        None => Ok(()),
    }
}
