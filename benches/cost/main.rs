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
mod provider;
mod rate;
mod role;
mod serve;
mod server;
mod stand_in;
mod table;
mod tls;
mod valetkey;

use bench::{Bench, Pace};
use measure::{compare, cores, cost, growth, latency, memory, start};

fn main() {
    if role::play() {
        return;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let pace = Pace::of(arguments.iter().any(|argument| argument == "--quick"));
    let programs = arguments.iter().filter_map(|argument| argument.strip_prefix("--compare="));
    let programs: Vec<_> = programs.map(str::to_owned).collect();
    let begun = std::time::Instant::now();
    serve::on_one_thread(async {
        if programs.is_empty() {
            measure_all(pace).await;
        } else {
            println!("{}", compare::measure(&pace, &programs).await);
        }
    });
    eprintln!("done after {} s", begun.elapsed().as_secs());
}

async fn measure_all(pace: Pace) {
    let mut bench = Bench::start(pace).await;
    let mut sections = vec![cost::measure(&mut bench).await, latency::measure(&mut bench).await];
    // From here on each measurement has servers of its own.
    bench.end_servers();
    sections.push(memory::measure(&mut bench).await);
    sections.push(start::measure(&bench).await);
    sections.push(growth::measure(&bench).await);
    sections.push(cores::measure(&bench).await);
    println!("{}", machine::facts(bench.descriptors));
    println!("{}", sections.join("\n"));
}
