//! Serving until told to stop: the caller owns the sockets and the signal.

use std::{future::Future, io, net::SocketAddr, time::Duration};

use axum::Router;
use tokio::{net::TcpListener, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{app::App, settings, web};

/// The sockets to serve.
#[derive(Debug)]
pub struct Listeners {
    /// For callers.
    pub public: TcpListener,
    /// For the machine itself.
    pub admin: Option<TcpListener>,
}

/// How to stop.
#[derive(Clone, Copy, Debug)]
pub struct Stopping {
    /// How long connections are still accepted, while unready.
    pub lame_duck: Duration,
    /// How long requests in flight may then take.
    pub drain: Duration,
}

impl From<&settings::Server> for Stopping {
    fn from(server: &settings::Server) -> Self {
        Self { lame_duck: server.lame_duck, drain: server.drain }
    }
}

/// Serves `app` until `shutdown` completes, then finishes what is in flight, within bounds.
///
/// # Errors
/// When a listener fails while it serves.
pub async fn run(
    listeners: Listeners,
    app: App,
    stopping: Stopping,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let stop = CancellationToken::new();
    let mut servers = JoinSet::new();
    let mut serve = |listener, router: Router| {
        let stop = stop.clone().cancelled_owned();
        // Limits and trust go by who is connected.
        let router = router.into_make_service_with_connect_info::<SocketAddr>();
        servers.spawn(axum::serve(listener, router).with_graceful_shutdown(stop).into_future());
    };
    serve(listeners.public, web::public(&app, &app.live()));
    if let Some(listener) = listeners.admin {
        serve(listener, web::admin(&app, &app.live()));
    }
    tokio::select! {
        () = shutdown => (),
        Some(ended) = servers.join_next() => return ended.unwrap_or_else(|died| Err(died.into())),
    }

    app.begin_draining();
    let lame_duck_ms = stopping.lame_duck.as_secs_f64() * 1e3;
    tracing::info!(
        lame_duck_ms,
        "stopping: unready, still accepting; a second signal stops at once"
    );
    tokio::time::sleep(stopping.lame_duck).await;
    stop.cancel();
    app.tasks().close();
    let finish = async {
        while servers.join_next().await.is_some() {}
        app.tasks().wait().await;
    };
    match timeout(stopping.drain, finish).await {
        Ok(()) => tracing::info!("stopped: everything in flight was finished"),
        Err(_) => tracing::warn!(
            drain = ?stopping.drain,
            mints_in_flight = app.tasks().len(),
            "stopped: server.drain ran out before everything was finished"
        ),
    }
    Ok(())
}
