//! The connection to Redis and its circuit breaker, which are one thing: while there is no
//! connection known to be good, nothing is asked and nothing waits.
//!
//! Requests never connect and never try whether Redis is back. A task of its own does, with a
//! growing pause; and while there is a connection it asks once a second, so that a Redis that is
//! gone is mostly found out before a request meets it.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use redis::{AsyncConnectionConfig, Client, Script, ScriptInvocation, aio::MultiplexedConnection};
use tokio::{
    runtime::Handle,
    sync::watch,
    task::AbortHandle,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{
    PATIENCE, PREFIX,
    reason::{TIMEOUT, reason},
};
use crate::{
    base::{
        backoff::{Backoff, jitter},
        chance::chance,
    },
    limit::StoreState,
};

/// So many calls in a row may have no answer in time before no more are made.
const TIMEOUTS: u32 = 3;
/// The deadline of connecting, with TLS, login and one trial.
const CONNECTING: Duration = Duration::from_secs(1);
/// The pause before connecting again; it doubles up to the longest.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How often a good connection is tried.
const TRIAL: Duration = Duration::from_secs(1);
/// A connection that was good for so long makes the next pause the shortest again.
const GOOD: Duration = Duration::from_secs(10);
/// How many calls may wait for being written. The crate's 50 would make a herd wait for itself.
const WAITING: usize = 1_024;

/// The way to Redis.
pub(super) struct Link {
    line: Line,
    keeper: OnceLock<Keeper>,
}

/// What requests and the keeper share.
#[derive(Clone)]
struct Line {
    client: Client,
    script: Script,
    state: watch::Sender<State>,
}

#[derive(Clone)]
enum State {
    /// The first try is under way. Who asks may wait for it, as long as for an answer.
    Connecting {
        since: Instant,
    },
    Up(Good),
    Down {
        since: Instant,
        reason: &'static str,
    },
}

/// A connection that works, and how many calls in a row had no answer in time.
#[derive(Clone)]
struct Good {
    connection: MultiplexedConnection,
    timeouts: Arc<AtomicU32>,
}

/// The task that connects; it ends with the link.
struct Keeper(AbortHandle);

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Link {
    /// Begins to connect, where there is a runtime; else with the first call.
    pub(super) fn new(client: Client, script: Script) -> Self {
        let (state, _) = watch::channel(State::Connecting { since: Instant::now() });
        let link = Self { line: Line { client, script, state }, keeper: OnceLock::new() };
        link.keep();
        link
    }

    /// Calls the script. `None`: there is no answer within [`PATIENCE`].
    pub(super) async fn call(&self, invocation: &ScriptInvocation<'_>) -> Option<Vec<u64>> {
        self.keep();
        let deadline = Instant::now() + PATIENCE;
        let good = timeout_at(deadline, self.line.connected()).await.ok()??;
        self.line.ask(&good, invocation, deadline).await
    }

    pub(super) fn state(&self) -> StoreState {
        let (since, reason) = match &*self.line.state.borrow() {
            State::Up(_) => return StoreState::Shared,
            State::Down { since, reason } => (*since, *reason),
            State::Connecting { since } => (*since, "connecting"),
        };
        StoreState::LocalOnly { since: since.into_std(), reason }
    }

    fn keep(&self) {
        if let Ok(runtime) = Handle::try_current() {
            let line = self.line.clone();
            self.keeper.get_or_init(|| Keeper(runtime.spawn(line.keep()).abort_handle()));
        }
    }
}

impl Line {
    /// Connects, again and again.
    async fn keep(self) {
        let mut backoff = Backoff::new(SHORTEST_PAUSE, LONGEST_PAUSE);
        loop {
            match timeout(CONNECTING, self.connect()).await.unwrap_or(Err(TIMEOUT)) {
                Ok(good) => {
                    let since = Instant::now();
                    self.up(&good);
                    self.watch_over(good).await;
                    if since.elapsed() > GOOD {
                        backoff.reset();
                    }
                }
                Err(reason) => self.down(reason, |_| true),
            }
            // Replicas that lost the same Redis do not all come back at the same moment.
            sleep(jitter(backoff.fail(), chance())).await;
        }
    }

    /// A connection on which the script has run, and has written.
    async fn connect(&self) -> Result<Good, &'static str> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_pipeline_buffer_size(WAITING);
        let connect = async {
            let mut connection =
                self.client.get_multiplexed_async_connection_with_config(&config).await?;
            trial(&self.script).invoke_async::<Vec<u64>>(&mut connection).await?;
            Ok(Good { connection, timeouts: Arc::default() })
        };
        connect.await.map_err(|error| reason(&error))
    }

    /// Tries a connection now and then, until it is no longer in use.
    async fn watch_over(&self, good: Good) {
        let mut state = self.state.subscribe();
        let mut over = std::pin::pin!(state.wait_for(|state| !matches!(state, State::Up(_))));
        while timeout(TRIAL, over.as_mut()).await.is_err() {
            self.ask(&good, &trial(&self.script), Instant::now() + PATIENCE).await;
        }
    }

    async fn connected(&self) -> Option<Good> {
        let mut state = self.state.subscribe();
        let known = state.wait_for(|state| !matches!(state, State::Connecting { .. })).await;
        match &*known.ok()? {
            State::Up(good) => Some(good.clone()),
            State::Down { .. } | State::Connecting { .. } => None,
        }
    }

    async fn ask(
        &self,
        good: &Good,
        invocation: &ScriptInvocation<'_>,
        deadline: Instant,
    ) -> Option<Vec<u64>> {
        let mut connection = good.connection.clone();
        let call = invocation.invoke_async(&mut connection);
        let (reason, is_over) = match timeout_at(deadline, call).await {
            Ok(Ok(reply)) => {
                good.timeouts.store(0, Relaxed);
                return Some(reply);
            }
            // Gone, read-only, full: what it says is no accident, and will be so for a while.
            Ok(Err(error)) => (reason(&error), true),
            // Slow once may be one.
            Err(_) => (TIMEOUT, good.timeouts.fetch_add(1, Relaxed) + 1 >= TIMEOUTS),
        };
        if is_over {
            let same = |it: &Good| Arc::ptr_eq(&it.timeouts, &good.timeouts);
            self.down(reason, |state| matches!(state, State::Up(it) if same(it)));
        }
        None
    }

    fn up(&self, good: &Good) {
        if let State::Down { since, .. } = self.state.send_replace(State::Up(good.clone())) {
            let seconds = since.elapsed().as_secs();
            tracing::info!(seconds, "limits are shared again: Redis answers");
        }
    }

    /// Stops using a connection, if the state is one that fits, and says so once.
    fn down(&self, reason: &'static str, fits: impl Fn(&State) -> bool) {
        let mut is_news = false;
        self.state.send_if_modified(|state| {
            if !fits(state) {
                return false;
            }
            // Still down, if perhaps for another reason, is no news.
            let since = match state {
                State::Down { since, .. } => *since,
                State::Connecting { .. } | State::Up(_) => {
                    is_news = true;
                    Instant::now()
                }
            };
            *state = State::Down { since, reason };
            true
        });
        if is_news {
            tracing::warn!(reason, "limits hold for this process only: Redis cannot be used");
        }
    }
}

/// A call that writes, so that it fails wherever the real ones would.
fn trial(script: &Script) -> ScriptInvocation<'_> {
    let mut call = script.key(format!("{PREFIX}trial"));
    // One in a microsecond, for a limit that is only observed.
    call.arg("spend").arg(&[0, 1, 1, 0, 0]);
    call
}
