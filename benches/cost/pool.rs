//! A pool of tokens, as it is filled and emptied for a measurement.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::time::timeout;

use super::{
    bench::Bench,
    http::{Connection, request},
    load::{self, Burst},
    server::{Kind, Server},
    valetkey::POOL,
};

/// What is taken of a full pool, so that there is no miss at its end.
const TAKEN: u64 = POOL.size * 8 / 10;

/// How full it is when it counts as full: tokens may be on their way.
const FULL: u64 = POOL.size * 95 / 100;

/// Taking from a full pool, and filling it again.
pub struct Emptied {
    /// While nothing could be minted.
    pub taken: Burst,
    /// What the server used of the processors from the first of them to a full pool.
    pub with_refill: Duration,
}

impl Emptied {
    /// Microseconds of a processor for a token, its minting included.
    pub fn cost_with_refill(&self) -> f64 {
        self.with_refill.as_secs_f64() * 1e6 / self.taken.answered as f64
    }
}

/// Fills the pool, empties most of it while the provider holds its tokens back, and lets it be filled
/// again. `None`: there is no pool, or it did not do as it should, which is told on standard error.
pub async fn empty(bench: &mut Bench) -> Option<Emptied> {
    let admin = bench.pool?;
    fill(bench.server(Kind::Pooled)?, admin).await?;
    bench.control.hold().await;
    let server = bench.server(Kind::Pooled)?;
    let cpu = server.process.cpu();
    // A miss would wait for as long as the provider is held.
    let taken = timeout(Duration::from_secs(20), load::take(server, TAKEN)).await;
    bench.control.release().await;
    let Ok(taken) = taken else {
        eprintln!("the pool was full, and yet there were misses");
        return None;
    };
    until_full(admin).await?;
    let with_refill = bench.server(Kind::Pooled)?.process.cpu().saturating_sub(cpu);
    Some(Emptied { taken, with_refill })
}

/// Asks for as many tokens as the pool may hold, which is what makes it hold as many.
pub async fn fill(server: &Server, admin: SocketAddr) -> Option<()> {
    if stock(admin).await < FULL {
        load::take(server, POOL.size * 11 / 10).await;
    }
    until_full(admin).await
}

async fn until_full(admin: SocketAddr) -> Option<()> {
    let begun = Instant::now();
    while stock(admin).await < FULL {
        if begun.elapsed() > Duration::from_secs(15) {
            eprintln!("the pool has {} tokens, and gets no fuller", stock(admin).await);
            return None;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Some(())
}

/// How many tokens there are.
async fn stock(admin: SocketAddr) -> u64 {
    let mut connection = Connection::open(admin).await.unwrap();
    let request = request("GET", admin, "/metrics", &[]);
    let text = connection.ask(&request).await.unwrap().body().to_vec();
    let text = String::from_utf8(text).unwrap();
    let mut samples = text.lines().filter(|line| line.starts_with("valetkey_pool_stock{"));
    samples.find_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).unwrap_or_default() as u64
}
