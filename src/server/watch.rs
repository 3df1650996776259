//! What a connection is doing, and how long it may go on doing it.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::Duration,
};

use tokio::{net::TcpStream, time::Instant};

use super::waiting::{Bell, Holder, Waiting};
use crate::settings;

/// A client itself opens a connection when it wants something.
const IDLE_DIRECT: Duration = Duration::from_secs(15);

/// Longer than proxies keep theirs (nginx and ALB: 60 s): the one who sends the next request must be
/// the one who closes, or a request meets a connection that just went.
const IDLE_PROXIED: Duration = Duration::from_secs(90);

/// How long a connection may still be without a request once the server stops: one may be on its way.
const MOMENT: Duration = Duration::from_secs(1);

/// How long each phase of a connection may last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// From the opening to a first byte.
    pub(super) fresh: Duration,
    /// From an answer to the next byte.
    pub(super) idle: Duration,
    /// From the first byte of a head to its last.
    pub(super) head: Duration,
    /// From a request's head to its answer's end. Deadlines of their own end it long before.
    pub(super) busy: Duration,
    /// For the client to take something of an answer.
    pub(super) write: Duration,
}

impl Timeouts {
    pub(super) fn new(server: &settings::Server, proxied: bool) -> Self {
        Self {
            fresh: if proxied { IDLE_PROXIED } else { server.header_timeout },
            idle: if proxied { IDLE_PROXIED } else { IDLE_DIRECT },
            head: server.header_timeout,
            busy: server.request_timeout + server.write_timeout,
            write: server.write_timeout,
        }
    }
}

/// Whose time ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing was asked for.
    Waiting,
    /// A head began and did not end.
    Head,
    /// A request was never done with.
    Busy,
}

/// Watches over one connection. Shared by its stream, its service and the list of those that wait.
pub(super) struct Watch {
    pub(super) timeouts: Timeouts,
    holder: Holder,
    waiting: Arc<Waiting>,
    state: Mutex<State>,
}

struct State {
    /// How many requests are in the service, or their answers not yet passed on.
    requests: usize,
    /// Its place in the list, while there are none.
    place: Option<u64>,
    fresh: bool,
    /// Its bytes say nothing of requests.
    multiplexes: bool,
    /// Since when it waits or, if it does not, since the last request.
    since: Instant,
    head_since: Option<Instant>,
    /// It was said that this answer is the last.
    said_last: bool,
    /// The client said that it will send no more.
    heard_last: bool,
}

impl Watch {
    pub(super) fn begin(
        timeouts: Timeouts,
        waiting: &Arc<Waiting>,
        stream: &Arc<TcpStream>,
    ) -> Arc<Self> {
        let (stream, bell) = (Arc::downgrade(stream), Arc::default());
        let watch = Arc::new(Self {
            timeouts,
            holder: Holder { stream, bell },
            waiting: Arc::clone(waiting),
            state: Mutex::new(State {
                requests: 0,
                place: None,
                fresh: true,
                multiplexes: false,
                since: Instant::now(),
                head_since: None,
                said_last: false,
                heard_last: false,
            }),
        });
        watch.state().place = Some(waiting.enter(&watch.holder));
        watch
    }

    /// Whether the connection has to give way to another.
    pub(super) fn is_evicted(&self) -> bool {
        self.bell().is_evicted()
    }

    /// Ready when it has to.
    pub(super) fn evicted(&self) -> impl Future<Output = ()> {
        poll_fn(|cx| {
            self.register(cx.waker());
            if self.is_evicted() { Poll::Ready(()) } else { Poll::Pending }
        })
    }

    /// Bytes came: if no request is in the service, those of a head.
    pub(super) fn received(&self) {
        let mut state = self.state();
        if state.requests == 0 && state.head_since.is_none() && !state.multiplexes {
            state.head_since = Some(Instant::now());
        }
    }

    /// A request begins; `None` where the connection is already given up.
    pub(super) fn request(self: &Arc<Self>) -> Option<InService> {
        let mut state = self.state();
        if let Some(place) = state.place.take()
            && !self.waiting.leave(place)
        {
            return None;
        }
        state.requests += 1;
        state.fresh = false;
        state.head_since = None;
        state.since = Instant::now();
        Some(InService(Arc::clone(self)))
    }

    /// When it has to end, and what it would have been doing too long.
    pub(super) fn deadline(&self) -> (Instant, Phase) {
        let (state, timeouts) = (self.state(), &self.timeouts);
        if state.requests > 0 {
            return (state.since + timeouts.busy, Phase::Busy);
        }
        // Whoever began a head, too: nothing was asked for.
        if self.is_evicted() {
            return (state.since, Phase::Waiting);
        }
        if let Some(since) = state.head_since {
            return (since + timeouts.head, Phase::Head);
        }
        let most = if state.fresh { timeouts.fresh } else { timeouts.idle };
        let end = state.since + most;
        // Whoever still asks gets an answer that says it is the last, and whoever does not has a moment.
        let stop = self.waiting.stopped().map(|stopped| stopped.max(state.since) + MOMENT);
        (stop.map_or(end, |stop| stop.min(end)), Phase::Waiting)
    }

    /// It is HTTP/2, and its bytes are not to be understood from here.
    pub(super) fn multiplexes(&self) {
        let mut state = self.state();
        state.multiplexes = true;
        state.head_since = None;
    }

    /// Whether a request is in the service.
    pub(super) fn is_busy(&self) -> bool {
        self.state().requests > 0
    }

    /// The answer on its way is the last.
    pub(super) fn say_last(&self) {
        self.state().said_last = true;
    }

    /// Whether that was said.
    pub(super) fn said_last(&self) -> bool {
        self.state().said_last
    }

    /// The client will send no more.
    pub(super) fn hear_last(&self) {
        self.state().heard_last = true;
    }

    /// Whether the client may still be sending to someone who said that it is over.
    pub(super) fn should_linger(&self) -> bool {
        let state = self.state();
        state.said_last && !state.heard_last
    }

    /// Who is to be woken when the deadline changes.
    pub(super) fn register(&self, waker: &Waker) {
        self.bell().reader.register(waker);
    }

    /// The connection is gone.
    pub(super) fn end(&self) {
        if let Some(place) = self.state().place.take() {
            self.waiting.leave(place);
        }
    }

    fn bell(&self) -> &Bell {
        &self.holder.bell
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request in the service. Dropped with its answer's body.
pub(super) struct InService(Arc<Watch>);

impl Drop for InService {
    fn drop(&mut self) {
        let watch = &self.0;
        let mut state = watch.state();
        state.requests -= 1;
        if state.requests == 0 {
            state.since = Instant::now();
            state.place = Some(watch.waiting.enter(&watch.holder));
            // With HTTP/2 this is not the task that reads.
            watch.bell().reader.wake();
        }
    }
}
