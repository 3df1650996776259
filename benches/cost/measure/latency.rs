//! How long a caller waits, at a rate that everybody can bear.

use std::time::Duration;

use super::super::{
    bench::Bench,
    rate::{self, Latencies},
    server::Kind,
    table::{median, show, table},
    valetkey::MOST_REFILLS,
};

/// Requests per second to a provider that answers at once.
const RATE: f64 = 500.0;

/// How long a provider takes on the other side of the internet.
const FAR: Duration = Duration::from_millis(150);

/// Of those who have to keep up with `RATE`. A client per request costs FastAPI more than that.
const NEAR_KINDS: [Kind; 6] =
    [Kind::Direct, Kind::Nginx, Kind::Valetkey, Kind::Pooled, Kind::Express, Kind::FastApi];

const FAR_KINDS: [Kind; 4] = [Kind::Direct, Kind::Nginx, Kind::Valetkey, Kind::Pooled];

pub async fn measure(bench: &mut Bench) -> String {
    let near = rounds(bench, &NEAR_KINDS, RATE).await;
    bench.control.latency(FAR).await;
    // What can be minted ahead in a second, and a tenth less.
    let rate = 0.9 * f64::from(MOST_REFILLS) / FAR.as_secs_f64();
    let far = rounds(bench, &FAR_KINDS, rate).await;
    bench.control.latency(Duration::ZERO).await;
    let head = ["", "p50", "p99", "added p50", "added p99", "from the pool", "failed"];
    format!(
        "### Latency\n\nIn ms, from when a request was due. At {RATE:.0} requests a second, and a \
         provider that answers at once:\n\n{}\nAt {rate:.0} requests a second, and a provider that \
         takes {} ms; that is 90 % of what a pool can mint, {} at once:\n\n{}",
        table(&head, cells(&near)),
        FAR.as_millis(),
        MOST_REFILLS,
        table(&head, cells(&far)),
    )
}

/// Latencies round by round.
type Rows = Vec<(Kind, Vec<Latencies>)>;

async fn rounds(bench: &Bench, kinds: &[Kind], per_second: f64) -> Rows {
    let mut rows: Rows = kinds.iter().map(|kind| (*kind, Vec::new())).collect();
    for round in 1..=bench.pace.rate_rounds {
        eprintln!("latency at {per_second:.0}/s: round {round} of {}", bench.pace.rate_rounds);
        for (kind, latencies) in &mut rows {
            let server = bench.server(*kind);
            // A pool has to learn how much is asked for.
            let warm_up =
                if *kind == Kind::Pooled { 2 * bench.pace.rate } else { bench.pace.warm_up };
            rate::ask(server, per_second, warm_up).await;
            latencies.push(rate::ask(server, per_second, bench.pace.rate).await);
        }
    }
    rows
}

fn cells(rows: &Rows) -> Vec<Vec<String>> {
    let direct = &rows[0].1;
    let cells = |(kind, latencies): &(Kind, Vec<Latencies>)| {
        let over = |of: &dyn Fn(&Latencies) -> f64| {
            show(median(&latencies.iter().map(of).collect::<Vec<_>>()))
        };
        let added = |part| {
            let pairs = latencies.iter().zip(direct);
            let added = pairs.map(|(it, direct)| it.percentile(part) - direct.percentile(part));
            show(median(&added.collect::<Vec<_>>()))
        };
        let hits = match kind {
            Kind::Pooled => over(&|it| 100.0 * it.share_of_hits()) + " %",
            _ => "–".to_owned(),
        };
        vec![
            kind.name().to_owned(),
            over(&|it| it.percentile(0.5)),
            over(&|it| it.percentile(0.99)),
            added(0.5),
            added(0.99),
            hits,
            latencies.iter().map(|it| it.failed).sum::<u64>().to_string(),
        ]
    };
    rows.iter().map(cells).collect()
}
