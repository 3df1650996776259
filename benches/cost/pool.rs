//! A pool of tokens, as it is filled and emptied for a measurement.

use std::{net::SocketAddr, time::Duration};

use tokio::time::timeout;

use super::{
    bench::Bench,
    http::{Connection, request},
    load::{self, Burst},
    server::{Kind, Server},
    valetkey::POOL_SIZE,
};

/// What is taken of a full pool, so that there is no miss at its end.
const TAKEN: u64 = POOL_SIZE * 8 / 10;

/// Taking from a full pool, and filling it again.
pub struct Emptied {
    /// While nothing could be minted.
    pub taken: Burst,
    /// Microseconds of a processor for minting a token ahead.
    refill: f64,
}

impl Emptied {
    /// Microseconds of a processor for a token, its minting included.
    pub fn cost_with_refill(&self) -> f64 {
        self.taken.cost() + self.refill
    }
}

/// Fills the pool, empties most of it while the provider holds its tokens back, and lets it be filled
/// again. `None`: it did not do as it should, which is told on standard error.
pub async fn empty(bench: &mut Bench) -> Option<Emptied> {
    let admin = bench.pool;
    fill(bench.server(Kind::Pooled), admin).await?;
    bench.control.hold().await;
    // A miss would wait for as long as the provider is held.
    let taken =
        timeout(Duration::from_secs(20), load::take(bench.server(Kind::Pooled), TAKEN)).await;
    let (left, cpu) = (stock(admin).await, bench.server(Kind::Pooled).process.cpu());
    bench.control.release().await;
    let Ok(taken) = taken else {
        eprintln!("the pool was full, and yet there were misses");
        return None;
    };
    let minted = settled(admin).await.saturating_sub(left);
    let cpu = bench.server(Kind::Pooled).process.cpu().saturating_sub(cpu);
    Some(Emptied { taken, refill: cpu.as_secs_f64() * 1e6 / minted as f64 })
}

/// Asks for as many tokens as the pool may hold, which is what makes it hold as many.
pub async fn fill(server: &Server, admin: SocketAddr) -> Option<()> {
    load::take(server, POOL_SIZE * 11 / 10).await;
    match settled(admin).await {
        stock if stock > TAKEN * 11 / 10 => Some(()),
        stock => {
            eprintln!("the pool has {stock} tokens, and gets no fuller");
            None
        }
    }
}

/// How many tokens there are, once there come no more.
async fn settled(admin: SocketAddr) -> u64 {
    let mut before = stock(admin).await;
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        match stock(admin).await {
            now if now <= before => return now,
            more => before = more,
        }
    }
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
