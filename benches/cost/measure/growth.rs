//! Whether a token costs valetkey more where there are many of something.

use super::super::{
    bench::Bench,
    load,
    server::Server,
    table::{median, ratio, show, table},
    valetkey::Settings,
};

/// The same with few and with many.
struct Pair {
    what: &'static str,
    counts: [usize; 2],
    servers: [Server; 2],
    cost: [Vec<f64>; 2],
}

pub async fn measure(bench: &Bench) -> String {
    let mut pairs = vec![
        pair(bench, "addresses of clients, counted each", [10, 10_000], Settings::addresses).await,
        pair(bench, "caller keys, counted each", [1, 1_000], Settings::keys).await,
        pair(bench, "token types", [1, 100], Settings::types).await,
    ];
    for round in 1..=bench.pace.rounds {
        eprintln!("growth: round {round} of {}", bench.pace.rounds);
        for pair in &mut pairs {
            for (server, cost) in pair.servers.iter().zip(&mut pair.cost) {
                let burst = load::ask_for(server, bench.pace.warm_up, bench.pace.burst).await;
                cost.push(burst.cost());
            }
        }
    }
    let rows = pairs.iter().map(|Pair { what, counts, cost, .. }| {
        vec![
            (*what).to_owned(),
            counts[0].to_string(),
            show(median(&cost[0])),
            counts[1].to_string(),
            show(median(&cost[1])),
            show(ratio(&cost[1], &cost[0])),
        ]
    });
    let head = ["", "few", "µs per token", "many", "µs per token", "×"];
    format!("### Many of something\n\nvaletkey without a pool.\n\n{}", table(&head, rows))
}

async fn pair(
    bench: &Bench,
    what: &'static str,
    counts: [usize; 2],
    with: impl Fn(Settings, usize) -> Settings,
) -> Pair {
    let start = async |count| {
        let server = with(Settings::new(&bench.provider), count).start().await.0;
        // Each of them has to be known before anything is measured.
        let tokens = count.max(2_000) as u64;
        load::take(&server, tokens).await;
        server
    };
    let servers = [start(counts[0]).await, start(counts[1]).await];
    Pair { what, counts, servers, cost: Default::default() }
}
