//! From a name to its addresses, the best one first. Where there are several, a connection is tried to
//! one after the other, a moment apart: the first address that accepts is the best (RFC 8305, section 5).

mod cache;
#[cfg(test)]
pub(super) mod tests;

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::{
    net::TcpStream,
    sync::Mutex,
    time::{Instant, sleep},
};
use url::Url;

pub(super) use cache::AddressCache;
use cache::SYSTEM;
pub(super) use cache::Unresolved;

/// How long the next address is put off while the one before may still accept.
const STAGGER: Duration = Duration::from_millis(250);
/// How long an address that did not accept is tried last.
const PASSED_OVER: Duration = Duration::from_secs(30);
/// How long the best address is used without another trial. Connections that are made together share one.
const FRESH: Duration = Duration::from_secs(1);

/// Resolves the name of one server. Its copies share what they learn.
#[derive(Clone)]
pub(super) struct Resolver {
    cache: AddressCache,
    host: Arc<str>,
    port: u16,
    trials: Arc<Mutex<Trials>>,
}

/// What was learned of addresses.
#[derive(Default)]
struct Trials {
    best: Option<(SocketAddr, Instant)>,
    /// When they did not accept.
    failed: HashMap<SocketAddr, Instant>,
}

impl Resolver {
    /// For connections to the server of `url`. Names are looked up by the system.
    pub(super) fn of(url: &Url) -> Self {
        Self::new(SYSTEM.clone(), url)
    }

    pub(super) fn new(cache: AddressCache, url: &Url) -> Self {
        let (host, port) = (url.host_str(), url.port_or_known_default());
        let host = host.unwrap_or_default().into();
        Self { cache, host, port: port.unwrap_or_default(), trials: Arc::default() }
    }

    /// Looks the name up again before the next connection: nobody could be reached at its addresses.
    pub(super) fn doubt(&self) {
        self.cache.doubt(&self.host);
    }

    async fn ordered(&self, name: &str) -> Result<Vec<SocketAddr>, Unresolved> {
        let mut addresses = self.cache.addresses(name).await?;
        if addresses.len() < 2 {
            return Ok(addresses);
        }
        // Who comes meanwhile waits for what is learned.
        let mut trials = self.trials.lock().await;
        let now = Instant::now();
        trials.failed.retain(|_, at| now < *at + PASSED_OVER);
        addresses.sort_by_key(|address| trials.failed.contains_key(address));
        let best = trials.best.filter(|(_, at)| now < *at + FRESH).map(|(address, _)| address);
        let best = match best.filter(|best| addresses.contains(best)) {
            Some(best) => Some(best),
            None => trials.run(&addresses, self.port).await,
        };
        addresses.sort_by_key(|address| Some(*address) != best);
        Ok(addresses)
    }
}

impl Trials {
    /// The first of `addresses` to accept a connection. Those that were tried before it count as failed.
    async fn run(&mut self, addresses: &[SocketAddr], port: u16) -> Option<SocketAddr> {
        let connect = |address: SocketAddr| async move {
            let target = SocketAddr::new(address.ip(), port);
            (address, TcpStream::connect(target).await.is_ok())
        };
        let (mut attempts, mut waiting) = (FuturesUnordered::new(), addresses.iter().copied());
        let mut tried = Vec::new();
        let best = loop {
            if let Some(address) = waiting.next() {
                attempts.push(connect(address));
                tried.push(address);
            }
            let ended = tokio::select! {
                ended = attempts.next() => ended,
                () = sleep(STAGGER), if waiting.len() > 0 => None,
            };
            match ended {
                Some((address, true)) => break Some(address),
                Some((_, false)) if attempts.is_empty() && waiting.len() == 0 => break None,
                _ => (),
            }
        };
        let now = Instant::now();
        let failed = tried.into_iter().filter(|address| Some(*address) != best);
        self.failed.extend(failed.map(|address| (address, now)));
        self.best = best.map(|address| (address, now));
        best
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            Ok(Box::new(resolver.ordered(name.as_str()).await?.into_iter()) as Addrs)
        })
    }
}
