//! What a token costs the processors, and whom.

use std::time::Duration;

use super::super::{
    bench::Bench,
    load::{self, Burst, CONNECTIONS},
    pool,
    server::Kind,
    table::{median, range, ratio, show, table},
};

/// One server, or one way to ask it, round by round.
struct Row {
    name: &'static str,
    /// Microseconds of a processor for one token.
    cost: Vec<f64>,
    /// Empty where the tokens are not those of a burst alone.
    per_second: Vec<f64>,
    failed: u64,
}

impl Row {
    fn new(name: &'static str) -> Self {
        Self { name, cost: Vec::new(), per_second: Vec::new(), failed: 0 }
    }

    fn add(&mut self, cost: f64, burst: &Burst) {
        self.cost.push(cost);
        self.per_second.push(burst.per_second());
        self.failed += burst.failed;
    }
}

/// For whoever takes tens of milliseconds of a processor for a token.
const FEW: usize = 8;
const PATIENCE: Duration = Duration::from_millis(500);

/// Where the rows of those are that others are compared with.
const NGINX: usize = 2;
const VALETKEY: usize = 3;

pub async fn measure(bench: &mut Bench) -> String {
    let mut rows: Vec<Row> = KINDS.iter().map(|kind| Row::new(kind.name())).collect();
    let mut hand_out = Row::new("valetkey, pool: handing out");
    let mut with_refill = Row::new("valetkey, pool: handing out and minting anew");
    for round in 1..=bench.pace.rounds {
        eprintln!("cost of a token: round {round} of {}", bench.pace.rounds);
        for (kind, row) in KINDS.into_iter().zip(&mut rows) {
            let server = bench.server(kind);
            let burst = match kind {
                // It takes its time over each, and so would the end of a round.
                Kind::FastApiFresh => load::ask_over(FEW, server, PATIENCE, 2 * PATIENCE).await,
                _ => load::ask_for(server, bench.pace.warm_up, bench.pace.burst).await,
            };
            row.add(burst.cost(), &burst);
        }
        if let Some(emptied) = pool::empty(bench).await {
            let taken = &emptied.taken;
            hand_out.add(taken.cost(), taken);
            with_refill.cost.push(emptied.cost_with_refill());
            hand_out.failed += taken.answered - taken.hits;
        }
    }
    rows.splice(VALETKEY + 1..VALETKEY + 1, [hand_out, with_refill]);
    section(&rows)
}

const KINDS: [Kind; 7] = [
    Kind::Direct,
    Kind::Constant,
    Kind::Nginx,
    Kind::Valetkey,
    Kind::Express,
    Kind::FastApi,
    Kind::FastApiFresh,
];

fn section(rows: &[Row]) -> String {
    let (nginx, valetkey) = (&rows[NGINX].cost, &rows[VALETKEY].cost);
    let cells = rows.iter().map(|row| {
        vec![
            row.name.to_owned(),
            show(median(&row.cost)),
            range(&row.cost),
            show(ratio(&row.cost, nginx)),
            show(ratio(&row.cost, valetkey)),
            match row.per_second.as_slice() {
                [] => "–".to_owned(),
                per_second => show(median(per_second)),
            },
        ]
    });
    let head = ["", "µs per token", "least – most", "× nginx", "× valetkey", "tokens/s"];
    let mut text = format!(
        "### Processor time of a token\n\nOf {} rounds in turn, medians, and medians of the ratios \
         within a round; {CONNECTIONS} connections, each of which asks again as soon as it is \
         answered ({FEW} for a client per request).\n\n{}",
        rows[0].cost.len(),
        table(&head, cells)
    );
    for row in rows.iter().filter(|row| row.failed > 0) {
        text += &format!("\n{}: {} requests went wrong.\n", row.name, row.failed);
    }
    text
}
