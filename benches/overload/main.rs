//! What a server does that is asked for more than it can give, and what one sends to a provider that
//! is down. Run: `make overload`, or `cargo bench --bench overload`; `-- --quick` takes a fifth of the
//! time. Look at the ratios: machines differ.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot go on should stop")]
#![allow(clippy::print_stdout, unreachable_pub, reason = "its modules are a test's, too")]

mod experiment;
mod load;
#[path = "../support/program.rs"]
mod program;
mod provider;
mod server;

use std::time::Duration;

use experiment::{Down, amplification, capacity, overload};

/// How many requests the server works on at once.
const AT_ONCE: u32 = 20;

#[tokio::main]
async fn main() {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let lasts = Duration::from_secs(if quick { 1 } else { 5 });
    let capacity = capacity(AT_ONCE);
    println!("Overload: max_requests and the provider's latency make a capacity of {capacity}/s.");
    println!("Latencies in ms from the time a request was due; memory is resident, in MiB.\n");
    println!(
        "| asked | vended/s | of peak | vended p50 | p99 | refused/s | p50 | p99 | other | health p99 | memory |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let rows = overload(AT_ONCE, &[0.5, 0.9, 1.0, 2.0, 5.0, 10.0], lasts).await;
    let peak = rows.iter().map(|row| row.vended.per_second()).fold(0.0, f64::max);
    for row in &rows {
        println!(
            "| {:.1} x | {:.0} | {:.0} % | {:.1} | {:.1} | {:.0} | {:.1} | {:.1} | {} | {:.1} | {:.0} |",
            row.times,
            row.vended.per_second(),
            100.0 * row.vended.per_second() / peak,
            row.vended.percentile(0.5),
            row.vended.percentile(0.99),
            row.refused.per_second(),
            row.refused.percentile(0.5),
            row.refused.percentile(0.99),
            row.odd.len(),
            row.health.percentile(0.99),
            row.resident_mib,
        );
    }
    println!("\nA provider that is down: how much more it is asked than tokens are asked for.\n");
    println!("| the provider | tokens asked for | requests to it | retries | amplification |");
    println!("|---|---|---|---|---|");
    let count = if quick { 300 } else { 2000 };
    for down in Down::ALL {
        let row = amplification(down, count).await;
        println!(
            "| {} | {} | {} | {} | {:.2} |",
            down.name(),
            row.asked,
            row.upstream,
            row.retries,
            row.factor()
        );
    }
}
