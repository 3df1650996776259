//! What the measurements share: how long they take, the provider, and the servers that are compared.

use std::{net::SocketAddr, time::Duration};

use super::{
    machine,
    provider::Provider,
    server::{self, Kind, Server},
    stand_in::Control,
    valetkey::Settings,
};

/// How often and how long something is measured.
pub struct Pace {
    pub rounds: usize,
    /// How long everybody asks as fast as they are answered.
    pub burst: Duration,
    /// What goes before it, to open connections and to be warm.
    pub warm_up: Duration,
    /// Rounds at a constant rate.
    pub rate_rounds: usize,
    /// How long one of them lasts.
    pub rate: Duration,
    pub starts: usize,
}

const FULL: Pace = Pace {
    rounds: 7,
    burst: Duration::from_millis(1500),
    warm_up: Duration::from_millis(400),
    rate_rounds: 3,
    rate: Duration::from_secs(4),
    starts: 9,
};

const QUICK: Pace = Pace {
    rounds: 3,
    burst: Duration::from_millis(300),
    warm_up: Duration::from_millis(200),
    rate_rounds: 1,
    rate: Duration::from_millis(1000),
    starts: 3,
};

impl Pace {
    pub fn of(quick: bool) -> Self {
        if quick { QUICK } else { FULL }
    }
}

pub struct Bench {
    pub pace: Pace,
    /// How many files a process may have open.
    pub descriptors: u64,
    pub provider: Provider,
    pub control: Control,
    /// The admin listener of the valetkey with a pool.
    pub pool: SocketAddr,
    servers: Vec<(Kind, Server)>,
}

impl Bench {
    pub async fn start(pace: Pace) -> Self {
        let descriptors = machine::raise_descriptors();
        let provider = Provider::start().await;
        let control = Control::of(provider.address(None)).await;
        let pooled = Settings::new(&provider).pooled();
        let mut servers = Vec::new();
        for kind in Kind::BEFORE_THE_PROVIDER {
            let server = match kind {
                Kind::Pooled => pooled.start().await.0,
                _ => server::start(kind, &provider).await.0,
            };
            servers.push((kind, server));
        }
        Self { pace, descriptors, provider, control, pool: pooled.admin, servers }
    }

    pub fn server(&self, kind: Kind) -> &Server {
        match kind {
            Kind::Direct => &self.provider.server,
            _ => self.servers.iter().find(|(it, _)| *it == kind).map(|(_, server)| server).unwrap(),
        }
    }

    /// Ends those that are not needed any more.
    pub fn end_servers(&mut self) {
        self.servers.clear();
    }
}
