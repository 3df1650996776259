//! What a token costs several builds of valetkey, beside nginx and in the same rounds.

use super::{
    super::{
        bench::Pace,
        load,
        provider::Provider,
        server::{self, Kind, Server},
        table::table,
        tls::Version,
        valetkey::Settings,
    },
    row::{Row, failures, head},
};

/// How the provider is asked.
const WAYS: [(&str, Option<Version>); 3] = [
    ("plain HTTP/1.1", None),
    ("TLS and HTTP/1.1", Some(Version::Http1)),
    ("TLS and HTTP/2", Some(Version::Http2)),
];

/// `programs`: where they are, each with a name before it (`NAME=PATH`) or not.
pub async fn measure(pace: &Pace, programs: &[String]) -> String {
    let provider = Provider::start().await;
    let mut measured: Vec<(Row, Server)> = Vec::new();
    for kind in [Kind::Nginx, Kind::NginxTls] {
        measured.push((Row::new(kind.name()), server::start(kind, &provider).await.0));
    }
    let nginxes = measured.len();
    for (way, tls) in WAYS {
        for program in programs {
            let (name, path) = program.split_once('=').unwrap_or((program, program));
            let settings = Settings::new(&provider).program(path);
            let settings = match tls {
                Some(version) => settings.tls(&provider, version),
                None => settings,
            };
            measured.push((Row::new(format!("{name}, {way}")), settings.start().await.0));
        }
    }
    for round in 1..=pace.rounds {
        eprintln!("comparing: round {round} of {}", pace.rounds);
        for (row, server) in &mut measured {
            row.add(&load::ask_for(server, pace.warm_up, pace.burst).await);
        }
    }
    let rows: Vec<_> = measured.iter().map(|(row, _)| row).collect();
    let cells = rows.iter().enumerate().map(|(at, row)| {
        // The first program, asked in the same way.
        let first = at.checked_sub(nginxes).map_or(at, |at| nginxes + at - at % programs.len());
        row.cells(&[rows[0], rows[1], rows[first]])
    });
    let head = head(&["× nginx", "× nginx, TLS", "× the first"]);
    table(&head, cells) + &failures(rows.iter().copied())
}
