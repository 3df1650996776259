//! The client: as many connections as are wanted on one thread, so that it leaves the processors to
//! those who are measured.

use std::{
    cell::Cell,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{http::Connection, process::Process};

/// What was seen while everybody asked as fast as they were answered.
pub struct Burst {
    pub answered: u64,
    pub failed: u64,
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
    stop: Cell<bool>,
}

/// Asks over `connections`, on each again as soon as there is an answer. The requests are taken in
/// turn. Begins to count after a while.
pub async fn closed(
    process: &Process,
    address: SocketAddr,
    requests: &Rc<Vec<Vec<u8>>>,
    connections: usize,
    (warm_up, lasts): (Duration, Duration),
) -> Burst {
    let count = Rc::new(Count::default());
    let mut tasks = JoinSet::new();
    for number in 0..connections {
        let (count, requests) = (Rc::clone(&count), Rc::clone(requests));
        tasks.spawn_local(ask_on(address, requests, number, connections, count));
    }
    tokio::time::sleep(warm_up).await;
    let (answered, failed) = (count.answered.get(), count.failed.get());
    let (cpu, begun) = (process.cpu(), Instant::now());
    tokio::time::sleep(lasts).await;
    let burst = Burst {
        lasted: begun.elapsed(),
        cpu: process.cpu().saturating_sub(cpu),
        answered: count.answered.get() - answered,
        failed: count.failed.get() - failed,
    };
    count.stop.set(true);
    while tasks.join_next().await.is_some() {}
    burst
}

async fn ask_on(
    address: SocketAddr,
    requests: Rc<Vec<Vec<u8>>>,
    mut next: usize,
    step: usize,
    count: Rc<Count>,
) {
    let Ok(mut connection) = Connection::open(address).await else {
        return count.failed.set(count.failed.get() + 1);
    };
    while !count.stop.get() {
        let which = match connection.ask(&requests[next % requests.len()]).await {
            Ok(answer) if answer.status() == 200 => &count.answered,
            _ => &count.failed,
        };
        which.set(which.get() + 1);
        next += step;
    }
}
