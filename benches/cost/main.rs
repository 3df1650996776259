//! What a token costs: processor time, latency, memory, start; valetkey beside nginx, the samples that
//! it replaces, and what it is built on. Run: `make bench`, which installs what is compared; it takes ten
//! minutes, and `make bench QUICK=--quick` two. docs/performance.md says how it is measured.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot go on should stop")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "results, and how far it is")]
#![allow(unreachable_pub, reason = "a program of many files")]

mod bench;
mod constant;
mod http;
mod load;
mod machine;
mod measure;
mod pool;
mod process;
mod rate;
mod role;
mod server;
mod stand_in;
mod table;
mod valetkey;

use bench::Bench;
use measure::{cores, cost, growth, latency, memory, start};

fn main() {
    if role::play() {
        return;
    }
    let quick = std::env::args().any(|arg| arg == "--quick");
    role::on_one_thread(run(quick));
}

async fn run(quick: bool) {
    let begun = std::time::Instant::now();
    let mut bench = Bench::start(quick).await;
    let mut sections = vec![cost::measure(&mut bench).await, latency::measure(&mut bench).await];
    // From here on each measurement has servers of its own.
    bench.end_servers();
    sections.push(memory::measure(&mut bench).await);
    sections.push(start::measure(&bench).await);
    sections.push(growth::measure(&bench).await);
    sections.push(cores::measure(&bench).await);
    println!("{}", machine::facts(bench.descriptors));
    println!("{}", sections.join("\n"));
    eprintln!("done after {} s", begun.elapsed().as_secs());
}
