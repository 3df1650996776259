//! What a server needs of memory: idle, with requests in flight, with connections that say nothing.
//! It is the proportional share (PSS), in which a page that several processes share is split.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{net::TcpStream, task::JoinSet};

use super::super::{
    bench::Bench,
    http::Connection,
    pool,
    server::{self, Kind, Server},
    stand_in::Control,
    table::{show, table},
    valetkey::{POOL_SIZE, Settings},
};

/// Requests in flight. The second is as many as fit into 20,000 descriptors, with one connection from the
/// caller and one to the provider each.
const IN_FLIGHT: [usize; 2] = [5_000, 9_900];

/// Connections that say nothing.
const IDLE: usize = 10_000;

/// How many requests in flight are measured. httpx has at most 100 connections, and whoever waits for
/// one longer than 5 s fails; a client per request takes a processor for tens of milliseconds.
fn bearable(kind: Kind) -> [usize; 2] {
    match kind {
        Kind::FastApi => [50, 100],
        Kind::FastApiFresh => [50, 100],
        _ => IN_FLIGHT,
    }
}

const KINDS: [Kind; 5] =
    [Kind::Nginx, Kind::Valetkey, Kind::Express, Kind::FastApi, Kind::FastApiFresh];

pub async fn measure(bench: &mut Bench) -> String {
    let title = "### Memory\n\n";
    // Some are needed for files and such.
    let needed = 2 * IN_FLIGHT[1] as u64 + 200;
    if bench.descriptors < needed {
        let has = bench.descriptors;
        return format!(
            "{title}Not measured: it takes {needed} open files, and {has} are allowed.\n"
        );
    }
    let mut rows = Vec::new();
    for kind in KINDS {
        eprintln!("memory: {}", kind.name());
        rows.push(row(bench, kind).await);
    }
    let head = [
        "",
        "idle, MiB",
        "requests in flight",
        "MiB",
        "requests in flight",
        "MiB",
        "KiB per request",
        "10,000 idle connections, MiB",
        "KiB per connection",
    ];
    format!(
        "{title}The proportional share (PSS) of all processes of a server. The requests are in flight at a \
         provider that answers none of them until it was measured. The FastAPI samples get fewer: httpx \
         makes callers fail beyond 100.\n\n{}{}",
        table(&head, rows),
        pooled(bench).await.unwrap_or_default()
    )
}

async fn row(bench: &mut Bench, kind: Kind) -> Vec<String> {
    let (server, _) = server::start_with(kind, &bench.provider, IN_FLIGHT[1]).await;
    let idle = server.process.pss_kib();
    let mut cells = vec![kind.name().to_owned(), mib(idle)];
    let mut each = f64::NAN;
    for wanted in bearable(kind) {
        let (reached, pss) = in_flight(&server, &mut bench.control, wanted).await;
        each = per(pss, idle, reached);
        cells.extend([reached.to_string(), mib(pss)]);
    }
    drop(server);
    // Another one, since those requests have left something behind.
    let (server, _) = match kind {
        // It is told how many connections it may have, those of idle callers among them.
        Kind::Nginx => server::start_with(kind, &bench.provider, IDLE).await,
        _ => server::start(kind, &bench.provider).await,
    };
    let idle = server.process.pss_kib();
    let (held, pss) = idle_connections(&server).await;
    let held_all = if held == IDLE { String::new() } else { format!(" ({held} of them)") };
    cells.extend([show(each), mib(pss) + &held_all, show(per(pss, idle, held))]);
    cells
}

/// How many requests come at once on the way to `IN_FLIGHT`. A thousand records may wait to be written:
/// more at the very same time would be refused, which is not what is measured here.
const STEP: usize = 500;

/// How many requests were in flight at the provider at once, and the memory of the server meanwhile.
async fn in_flight(server: &Server, provider: &mut Control, wanted: usize) -> (usize, u64) {
    provider.hold().await;
    let (mut asking, mut reached) = (JoinSet::new(), 0);
    while reached < wanted {
        let step = STEP.min(wanted - reached);
        for _ in 0..step {
            let connection = Connection::open(server.address).await.unwrap();
            asking.spawn_local(ask(connection, Rc::clone(&server.requests)));
        }
        let aim = reached + step;
        reached = settled(provider, aim).await;
        if reached < aim {
            break;
        }
    }
    let pss = server.process.pss_kib();
    // Whoever is refused is answered by now, and nobody else is.
    let refused: Vec<_> = std::iter::from_fn(|| asking.try_join_next()).flatten().collect();
    if let Some(one) = refused.first() {
        eprintln!("{} requests are not in flight, one of them for: {one}", refused.len());
    }
    provider.release().await;
    asking.join_all().await;
    server.process.forget();
    (reached, pss)
}

/// What was answered.
async fn ask(mut connection: Connection, requests: Rc<Vec<Vec<u8>>>) -> String {
    match connection.ask(&requests[0]).await {
        Ok(answer) => String::from_utf8_lossy(answer.body()).into_owned(),
        Err(error) => error.to_string(),
    }
}

/// How many requests the provider has in hand: all, or as many as there are when no more came for a
/// while.
async fn settled(provider: &mut Control, wanted: usize) -> usize {
    let (mut reached, mut since) = (provider.waiting().await, Instant::now());
    while reached < wanted && since.elapsed() < Duration::from_secs(2) {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let now = provider.waiting().await;
        if now > reached {
            (reached, since) = (now, Instant::now());
        }
    }
    reached
}

/// How many connections are held of those that were opened, and the memory of the server meanwhile.
async fn idle_connections(server: &Server) -> (usize, u64) {
    let mut held = Vec::new();
    for _ in 0..IDLE {
        held.extend(TcpStream::connect(server.address).await);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let pss = server.process.pss_kib();
    // What is closed can be read: there is nothing.
    let is_open = |it: &&TcpStream| it.try_read(&mut [0]).is_err();
    (held.iter().filter(is_open).count(), pss)
}

/// What a pool that is full needs.
async fn pooled(bench: &Bench) -> Option<String> {
    let settings = Settings::new(&bench.provider).pooled();
    let (server, _) = settings.start().await;
    let idle = server.process.pss_kib();
    pool::fill(&server, settings.admin).await?;
    let full = server.process.pss_kib();
    Some(format!(
        "\nvaletkey with a pool: {} MiB idle and {} MiB with {} tokens in it.\n",
        mib(idle),
        mib(full),
        POOL_SIZE
    ))
}

fn mib(kib: u64) -> String {
    show(kib as f64 / 1024.0)
}

/// What each of so many costs more than nothing, in KiB.
fn per(with: u64, without: u64, count: usize) -> f64 {
    with.saturating_sub(without) as f64 / count as f64
}
