//! Taking in connections, as many as there is room for.

use std::{
    io::{self, ErrorKind},
    net::{SocketAddr, TcpListener as StdListener},
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    connection::Connection,
    refusal,
    site::Site,
    waiting::{Eviction, Waiting},
    watch::{Timeouts, Watch},
    workers::Workers,
};
use crate::{app::App, base::backoff::Backoff, caller::is_trusted, web::Code};

/// How long to rest after the system could not give a connection, at first and at most. It is short
/// of descriptors or memory then, and will be for a while.
const FIRST_REST: Duration = Duration::from_millis(5);
const LONGEST_REST: Duration = Duration::from_secs(1);

/// How often that is logged.
const SILENCE: Duration = Duration::from_secs(10);

/// How long an evicted connection may take to be gone: its task only needs its turn.
const MAKING_ROOM: Duration = Duration::from_secs(1);

/// How often a connection is looked for that can give way. One that could may begin to ask meanwhile.
const MAX_LOOKS: usize = 5;

/// How many connections are still taken in once a listener is to be closed: as many as a queue can
/// hold. Where others fill it from the other end it would not become empty.
const MAX_LAST: usize = 4096;

/// A listener's side of the server.
pub(super) struct Door {
    pub(super) site: Arc<Site>,
    /// Room for connections.
    pub(super) room: Arc<Semaphore>,
    /// Room for those that were refused and may still be sending.
    pub(super) lingering: Arc<Semaphore>,
    pub(super) waiting: Arc<Waiting>,
    /// Where connections are served; none: here.
    pub(super) workers: Option<Arc<Workers>>,
    pub(super) connections: TaskTracker,
    /// Cancelled when no more connections are to be taken in.
    pub(super) closing: CancellationToken,
    /// Cancelled when those that are there should end.
    pub(super) stop: CancellationToken,
}

impl Door {
    /// Takes in connections until the door is to be closed, and then those that already wait outside.
    pub(super) async fn run(self: Arc<Self>, listener: TcpListener) -> io::Result<()> {
        let backoff = Backoff::new(FIRST_REST, LONGEST_REST);
        let mut trouble = Trouble { backoff, logged: None };
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.closing.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    trouble.backoff.reset();
                    self.welcome(stream, peer).await;
                }
                Err(error) if is_the_clients(&error) => (),
                Err(error) => {
                    self.app().metrics().accept_failed();
                    // Whoever merely holds a connection holds a descriptor, too.
                    self.waiting.evict();
                    trouble.rest(&error, &self.closing).await;
                }
            }
        }
        self.last(listener.into_std()?).await;
        Ok(())
    }

    /// Closing a listener resets what is in its queue.
    async fn last(&self, listener: StdListener) {
        for _ in 0..MAX_LAST {
            match listener.accept() {
                Ok((stream, peer)) => {
                    let nonblocking = stream.set_nonblocking(true);
                    if let Ok(stream) = nonblocking.and_then(|()| TcpStream::from_std(stream)) {
                        self.welcome(stream, peer).await;
                    }
                }
                Err(error) if is_the_clients(&error) => (),
                Err(_) => break,
            }
        }
    }

    async fn welcome(&self, stream: TcpStream, peer: SocketAddr) {
        let permit = match Arc::clone(&self.room).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => match self.make_room().await {
                Some(permit) => permit,
                None => return self.refuse(stream),
            },
        };
        let (worker, load) = self.workers.as_ref().map_or_else(Workers::here, |it| it.next());
        let Ok(stream) = moved(stream, &worker) else {
            return self.app().metrics().accept_failed();
        };
        // Answers are written whole: there is nothing to wait for.
        let _ = stream.set_nodelay(true);
        let (timeouts, http2) = {
            let server = &self.app().live().server;
            (Timeouts::new(server, is_trusted(peer.ip(), &server.trusted_proxies)), server.http2)
        };
        let stream = Arc::new(stream);
        let connection = Connection {
            site: Arc::clone(&self.site),
            watch: Watch::begin(timeouts, &self.waiting, &stream),
            peer,
            refusals: self.refusals(),
            http2,
            stop: self.stop.clone(),
        };
        let open = self.app().metrics().connection();
        let serving = async move {
            Arc::new(connection).serve(stream).await;
            drop((permit, open, load));
        };
        self.connections.spawn_on(serving, &worker);
    }

    /// Who merely holds a connection gives way to whoever wants one.
    async fn make_room(&self) -> Option<OwnedSemaphorePermit> {
        for _ in 0..MAX_LOOKS {
            match self.waiting.evict() {
                Eviction::Done => break,
                Eviction::In(moment) => sleep(moment).await,
                Eviction::Nobody => return None,
            }
        }
        let room = Arc::clone(&self.room).acquire_owned();
        timeout(MAKING_ROOM, room).await.ok()?.ok()
    }

    /// All are busy: says so, and when to come back.
    fn refuse(&self, stream: TcpStream) {
        let _ = stream.try_write(&self.refusals().document(Code::Overloaded));
        if let Ok(permit) = Arc::clone(&self.lingering).try_acquire_owned() {
            self.connections.spawn(async move {
                refusal::linger(stream).await;
                drop(permit);
            });
        }
    }

    fn app(&self) -> &App {
        &self.site.app
    }

    fn refusals(&self) -> refusal::Log {
        refusal::Log(self.app().metrics().clone())
    }
}

/// The stream, to be told of its events in another runtime.
fn moved(stream: TcpStream, to: &Handle) -> io::Result<TcpStream> {
    let stream = stream.into_std()?;
    let _inside = to.enter();
    TcpStream::from_std(stream)
}

/// The client was gone before it was taken in.
fn is_the_clients(error: &io::Error) -> bool {
    use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// The system gives no connections.
struct Trouble {
    backoff: Backoff,
    logged: Option<Instant>,
}

impl Trouble {
    async fn rest(&mut self, error: &io::Error, closing: &CancellationToken) {
        if self.logged.is_none_or(|at| at.elapsed() >= SILENCE) {
            self.logged = Some(Instant::now());
            tracing::error!(%error, "cannot take in connections; is the limit of open files too low?");
        }
        let _ = timeout(self.backoff.fail(), closing.cancelled()).await;
    }
}
