//! Serving until told to stop: the caller owns the sockets and the signal.

mod accept;
mod connection;
mod open;
mod refusal;
mod room;
mod site;
mod stream;
mod waiting;
mod watch;
mod workers;

use std::{future::Future, io, sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{app::App, web};
pub use open::{Inherited, listen};

use accept::Door;
use room::Room;
use site::Site;
use waiting::Waiting;
use workers::Workers;

/// The sockets to serve.
#[derive(Debug)]
pub struct Listeners {
    /// For callers.
    pub public: TcpListener,
    /// For the machine itself.
    pub admin: Option<TcpListener>,
}

/// Serves `app` until `shutdown` completes, then finishes what is in flight, within bounds.
///
/// # Errors
/// When a listener fails while it serves.
pub async fn run(
    listeners: Listeners,
    app: App,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let room = Room::share(&app.live().server);
    app.gate().narrow(room.requests);
    let workers = Arc::new(Workers::start()?);
    let mut server = Server::new(app);
    let mut doors = JoinSet::new();
    let public =
        server.door(Site::new(&server.app, web::public), room.connections, &room, Some(&workers));
    doors.spawn(public.run(listeners.public));
    if let Some(listener) = listeners.admin {
        let admin = server.door(Site::new(&server.app, web::admin), room.admin, &room, None);
        doors.spawn(admin.run(listener));
    }
    tokio::select! {
        () = shutdown => (),
        Some(ended) = doors.join_next() => return ended.unwrap_or_else(|died| Err(died.into())),
    }
    server.stop(doors).await;
    Ok(())
}

/// What all doors share.
struct Server {
    app: App,
    connections: TaskTracker,
    closing: CancellationToken,
    stop: CancellationToken,
    /// Of each door.
    waiting: Vec<Arc<Waiting>>,
}

impl Server {
    fn new(app: App) -> Self {
        let (closing, stop) = (CancellationToken::new(), CancellationToken::new());
        Self { app, connections: TaskTracker::new(), closing, stop, waiting: Vec::new() }
    }

    fn door(
        &mut self,
        site: Site,
        connections: usize,
        room: &Room,
        workers: Option<&Arc<Workers>>,
    ) -> Arc<Door> {
        let waiting = Arc::<Waiting>::default();
        self.waiting.push(Arc::clone(&waiting));
        Arc::new(Door {
            site: Arc::new(site),
            room: Arc::new(Semaphore::new(connections)),
            lingering: Arc::new(Semaphore::new(room.lingering)),
            waiting,
            workers: workers.cloned(),
            connections: self.connections.clone(),
            closing: self.closing.clone(),
            stop: self.stop.clone(),
        })
    }

    /// Unready first; then no new connections; then what is in flight, or the end of patience.
    async fn stop(self, mut doors: JoinSet<io::Result<()>>) {
        self.app.begin_draining();
        let (lame_duck, drain) = {
            let server = &self.app.live().server;
            (server.lame_duck, server.drain)
        };
        let lame_duck_ms = lame_duck.as_secs_f64() * 1e3;
        tracing::info!(
            lame_duck_ms,
            "stopping: unready, still accepting; a second signal stops at once"
        );
        tokio::time::sleep(lame_duck).await;
        self.closing.cancel();
        let finish = async {
            while doors.join_next().await.is_some() {}
            self.stop.cancel();
            self.waiting.iter().for_each(|waiting| waiting.stop());
            self.connections.close();
            self.connections.wait().await;
            self.app.discard_pools();
            self.app.tasks().close();
            self.app.tasks().wait().await;
        };
        self.finish(drain, finish).await;
    }

    async fn finish(&self, drain: Duration, finish: impl Future<Output = ()>) {
        match timeout(drain, finish).await {
            Ok(()) => tracing::info!("stopped: everything in flight was finished"),
            Err(_) => tracing::warn!(
                ?drain,
                connections = self.connections.len(),
                mints_in_flight = self.app.tasks().len(),
                "stopped: server.drain ran out before everything was finished"
            ),
        }
    }
}
