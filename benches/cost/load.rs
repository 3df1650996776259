//! The client: as many connections as are wanted on one thread, so that it leaves the processors to
//! those who are measured.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{http::Connection, server::Server};

/// How many connections ask where each asks again as soon as it is answered.
pub const CONNECTIONS: usize = 64;

/// What was seen while everybody asked as fast as they were answered.
pub struct Burst {
    pub answered: u64,
    pub failed: u64,
    /// How many of the tokens were there before they were asked for.
    pub hits: u64,
    pub lasted: Duration,
    /// What the server used of the processors.
    pub cpu: Duration,
}

impl Burst {
    pub fn per_second(&self) -> f64 {
        self.answered as f64 / self.lasted.as_secs_f64()
    }

    /// Microseconds of a processor for one token.
    pub fn cost(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.answered as f64
    }
}

#[derive(Default)]
struct Count {
    answered: Cell<u64>,
    failed: Cell<u64>,
    hits: Cell<u64>,
    /// How many may still be asked for.
    left: Cell<u64>,
}

impl Count {
    /// What the server does from now on, up to `done`.
    async fn watch(&self, server: &Server, done: impl Future<Output = ()>) -> Burst {
        let before = [&self.answered, &self.failed, &self.hits].map(Cell::get);
        let (cpu, begun) = (server.process.cpu(), Instant::now());
        done.await;
        Burst {
            lasted: begun.elapsed(),
            cpu: server.process.cpu().saturating_sub(cpu),
            answered: self.answered.get() - before[0],
            failed: self.failed.get() - before[1],
            hits: self.hits.get() - before[2],
        }
    }
}

/// Asks for as long as `lasts`, and before that as long as `warm_up`, which does not count.
pub async fn ask_for(server: &Server, warm_up: Duration, lasts: Duration) -> Burst {
    ask_over(CONNECTIONS, server, warm_up, lasts).await
}

/// As `ask_for`, over so many connections.
pub async fn ask_over(
    connections: usize,
    server: &Server,
    warm_up: Duration,
    lasts: Duration,
) -> Burst {
    let count = Rc::new(Count { left: Cell::new(u64::MAX), ..Count::default() });
    let everybody = ask(server, &count, connections).await;
    tokio::time::sleep(warm_up).await;
    let burst = count.watch(server, tokio::time::sleep(lasts)).await;
    count.left.set(0);
    everybody.join_all().await;
    server.process.forget();
    burst
}

/// Asks for so many tokens.
pub async fn take(server: &Server, tokens: u64) -> Burst {
    let count = Rc::new(Count { left: Cell::new(tokens), ..Count::default() });
    let everybody = ask(server, &count, CONNECTIONS).await;
    let burst = count.watch(server, async { drop(everybody.join_all().await) }).await;
    server.process.forget();
    burst
}

/// Asks over so many connections, which are open when this returns. The requests are taken in turn.
async fn ask(server: &Server, count: &Rc<Count>, connections: usize) -> JoinSet<()> {
    let mut opened = Vec::new();
    for _ in 0..connections {
        opened.push(Connection::open(server.address).await.unwrap());
    }
    let mut everybody = JoinSet::new();
    for (number, connection) in opened.into_iter().enumerate() {
        let (requests, count) = (Rc::clone(&server.requests), Rc::clone(count));
        everybody.spawn_local(ask_on(connection, requests, number, count));
    }
    everybody
}

async fn ask_on(
    mut connection: Connection,
    requests: Rc<Vec<Vec<u8>>>,
    mut next: usize,
    count: Rc<Count>,
) {
    while let Some(left) = count.left.get().checked_sub(1) {
        count.left.set(left);
        let which = match connection.ask(&requests[next % requests.len()]).await {
            Ok(answer) if answer.status() == 200 => {
                count.hits.set(count.hits.get() + u64::from(answer.is_hit()));
                &count.answered
            }
            _ => &count.failed,
        };
        which.set(which.get() + 1);
        next += CONNECTIONS;
    }
}
