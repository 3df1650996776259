//! What a token costs the processors, and whom.

use std::time::Duration;

use super::{
    super::{
        bench::Bench,
        load::{self, CONNECTIONS},
        pool,
        server::Kind,
        table::table,
        tls::Version,
    },
    row::{Row, failures, head},
};

/// For whoever takes tens of milliseconds of a processor for a token.
const FEW: usize = 8;
const PATIENCE: Duration = Duration::from_millis(500);

/// Those whose provider is plain HTTP/1.1, with the two that others are compared with.
const PLAIN: [Kind; 7] = [
    Kind::Direct,
    Kind::Constant,
    Kind::Nginx,
    Kind::Valetkey,
    Kind::Express,
    Kind::FastApi,
    Kind::FastApiFresh,
];
const NGINX: usize = 2;
const VALETKEY: usize = 3;

/// Those whose provider speaks TLS.
const TLS: [Kind; 3] =
    [Kind::NginxTls, Kind::ValetkeyTls(Version::Http1), Kind::ValetkeyTls(Version::Http2)];

pub async fn measure(bench: &mut Bench) -> String {
    let [mut plain, mut tls]: [Vec<Row>; 2] =
        [&PLAIN[..], &TLS].map(|kinds| kinds.iter().map(|kind| Row::new(kind.name())).collect());
    let mut hand_out = Row::new("valetkey, pool: handing out");
    let mut with_refill = Row::new("valetkey, pool: handing out and minting anew");
    for round in 1..=bench.pace.rounds {
        eprintln!("cost of a token: round {round} of {}", bench.pace.rounds);
        for (kind, row) in PLAIN.into_iter().zip(&mut plain).chain(TLS.into_iter().zip(&mut tls)) {
            let server = bench.server(kind);
            let burst = match kind {
                // It takes its time over each, and so would the end of a round.
                Kind::FastApiFresh => load::ask_over(FEW, server, PATIENCE, 2 * PATIENCE).await,
                _ => load::ask_for(server, bench.pace.warm_up, bench.pace.burst).await,
            };
            row.add(&burst);
        }
        if let Some(emptied) = pool::empty(bench).await {
            let taken = &emptied.taken;
            hand_out.add(taken);
            with_refill.cost.push(emptied.cost_with_refill());
            hand_out.failed += taken.answered - taken.hits;
        }
    }
    plain.splice(VALETKEY + 1..VALETKEY + 1, [hand_out, with_refill]);
    section(&plain, &tls)
}

fn section(plain: &[Row], tls: &[Row]) -> String {
    let (nginx, valetkey) = (&plain[NGINX], &plain[VALETKEY]);
    format!(
        "### Processor time of a token\n\nOf {} rounds in turn, medians, and medians of the ratios \
         within a round; {CONNECTIONS} connections, each of which asks again as soon as it is \
         answered ({FEW} for a client per request). The provider speaks HTTP/1.1 without TLS:\n\n{}\n\
         The provider speaks TLS 1.3, as those on the internet do, in the same rounds:\n\n{}{}",
        nginx.cost.len(),
        table(
            &head(&["× nginx", "× valetkey"]),
            plain.iter().map(|it| it.cells(&[nginx, valetkey]))
        ),
        table(
            &head(&["× nginx, TLS", "× nginx", "× valetkey"]),
            tls.iter().map(|row| row.cells(&[&tls[0], nginx, valetkey]))
        ),
        failures(plain.iter().chain(tls))
    )
}
