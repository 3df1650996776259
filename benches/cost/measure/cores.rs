//! What a second processor brings valetkey. Where there are four, client and provider have one each
//! and the tokens are counted. Where there are fewer, that would count those two as well, so
//! it is derived from what a token costs on one processor and on two.

use super::super::{
    bench::Bench,
    load::{self, Burst},
    machine,
    provider::Provider,
    server::Server,
    table::{median, ratio, show, table},
    valetkey::Settings,
};

pub async fn measure(bench: &Bench) -> String {
    let title = "### From one processor to two\n\n";
    let processors = machine::processors();
    let [first, second, others @ ..] = &processors[..] else {
        return format!("{title}Not measured: there is only one.\n");
    };
    let apart = others.len() >= 2;
    let provider_on = if apart { &others[1..2] } else { &processors[..] };
    let client_on = if apart { &others[..1] } else { &processors[..] };
    // What is started inherits where it may run.
    machine::pin(provider_on);
    let provider = Provider::start().await;
    machine::pin(&[*first]);
    let (one, _) = Settings::new(&provider).start().await;
    machine::pin(&[*first, *second]);
    let (two, _) = Settings::new(&provider).start().await;
    machine::pin(client_on);
    let bursts = rounds(bench, [&one, &two]).await;
    machine::pin(&processors);
    title.to_owned() + &section(&bursts, apart)
}

async fn rounds(bench: &Bench, servers: [&Server; 2]) -> [Vec<Burst>; 2] {
    let mut bursts = [Vec::new(), Vec::new()];
    for round in 1..=bench.pace.rounds {
        eprintln!("one and two processors: round {round} of {}", bench.pace.rounds);
        for (server, bursts) in servers.into_iter().zip(&mut bursts) {
            bursts.push(load::ask_for(server, bench.pace.warm_up, bench.pace.burst).await);
        }
    }
    bursts
}

fn section([one, two]: &[Vec<Burst>; 2], apart: bool) -> String {
    let of =
        |bursts: &[Burst], what: fn(&Burst) -> f64| bursts.iter().map(what).collect::<Vec<_>>();
    let costs = [of(one, Burst::cost), of(two, Burst::cost)];
    let rates = if apart {
        [of(one, Burst::per_second), of(two, Burst::per_second)]
    } else {
        let at_most = |costs: &[f64], processors: f64| {
            costs.iter().map(|cost| processors * 1e6 / cost).collect::<Vec<_>>()
        };
        [at_most(&costs[0], 1.0), at_most(&costs[1], 2.0)]
    };
    let row = |name: &str, numbers: &[Vec<f64>; 2]| {
        let medians = numbers.each_ref().map(|it| show(median(it)));
        let [one, two] = medians;
        vec![name.to_owned(), one, two, show(ratio(&numbers[1], &numbers[0]))]
    };
    let how = if apart {
        "valetkey without a pool on these processors, the client and the provider on others."
    } else {
        "valetkey without a pool. There are too few processors to give the client and the provider \
         others, so the tokens per second are derived: the processors' time by what a token costs."
    };
    let rows = [row("µs per token", &costs), row("tokens/s", &rates)];
    format!("{how}\n\n{}", table(&["", "one", "two", "×"], rows))
}
