//! Requests at a constant rate. Latency is counted from when a request was due, not from when it was
//! sent, so that a server that stands still is charged for all who would have asked meanwhile.

use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::JoinSet,
};

use super::{http::Connection, server::Server};

/// The latencies of one server.
#[derive(Default)]
pub struct Latencies {
    micros: Vec<f64>,
    pub hits: u64,
    pub failed: u64,
}

impl Latencies {
    /// In milliseconds.
    pub fn percentile(&self, part: f64) -> f64 {
        let at = (self.micros.len() as f64 * part) as usize;
        let micros = self.micros.get(at.min(self.micros.len().saturating_sub(1)));
        micros.copied().unwrap_or_default() / 1e3
    }

    /// The share of tokens that were there before they were asked for.
    pub fn share_of_hits(&self) -> f64 {
        self.hits as f64 / self.micros.len().max(1) as f64
    }
}

/// Connections at first; where they are all in use, more are opened.
const CONNECTIONS: usize = 64;

#[derive(Default)]
struct Seen {
    micros: RefCell<Vec<f64>>,
    hits: Cell<u64>,
    failed: Cell<u64>,
    idle: RefCell<Vec<Connection>>,
}

/// Asks `per_second` times a second for as long as `lasts`.
pub async fn ask(server: &Server, per_second: f64, lasts: Duration) -> Latencies {
    let seen = Rc::new(Seen::default());
    for _ in 0..CONNECTIONS {
        let connection = Connection::open(server.address).await.unwrap();
        seen.idle.borrow_mut().push(connection);
    }
    let interval = Duration::from_secs_f64(1.0 / per_second);
    let begun = Instant::now();
    let mut clock = clock(begun, interval, (per_second * lasts.as_secs_f64()) as u32);
    let mut requests = JoinSet::new();
    while let Some(number) = clock.recv().await {
        let due = begun + interval * number;
        requests.spawn_local(one(
            Rc::clone(&seen),
            server.address,
            Rc::clone(&server.requests),
            due,
        ));
    }
    requests.join_all().await;
    server.process.forget();
    let mut micros = seen.micros.take();
    micros.sort_unstable_by(f64::total_cmp);
    Latencies { micros, hits: seen.hits.get(), failed: seen.failed.get() }
}

async fn one(seen: Rc<Seen>, address: SocketAddr, requests: Rc<Vec<Vec<u8>>>, due: Instant) {
    let idle = seen.idle.borrow_mut().pop();
    let failed = || seen.failed.set(seen.failed.get() + 1);
    let connection = match idle {
        Some(connection) => Ok(connection),
        None => Connection::open(address).await,
    };
    let Ok(mut connection) = connection else { return failed() };
    match connection.ask(&requests[0]).await {
        Ok(answer) if answer.status() == 200 => {
            seen.micros.borrow_mut().push(due.elapsed().as_secs_f64() * 1e6);
            seen.hits.set(seen.hits.get() + u64::from(answer.is_hit()));
        }
        _ => failed(),
    }
    seen.idle.borrow_mut().push(connection);
}

/// Tells when a request is due, by its number from 1 on: at `begun` and as many intervals. A thread, since
/// tokio's own timers know milliseconds only, which is more than most of the latencies.
fn clock(begun: Instant, interval: Duration, total: u32) -> UnboundedReceiver<u32> {
    let (sender, due) = unbounded_channel();
    std::thread::spawn(move || {
        for number in 1..=total {
            let at = begun + interval * number;
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            if sender.send(number).is_err() {
                return;
            }
        }
    });
    due
}
