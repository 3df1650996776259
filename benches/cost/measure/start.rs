//! How fast a server is there, and how large it is.

use std::fs;

use super::super::{
    bench::Bench,
    server::{self, Kind},
    table::{median, range, show, table},
    valetkey::program,
};

const KINDS: [Kind; 4] = [Kind::Nginx, Kind::Valetkey, Kind::Express, Kind::FastApi];

pub async fn measure(bench: &Bench) -> String {
    let mut rows = Vec::new();
    for kind in KINDS {
        eprintln!("start: {}", kind.name());
        let (mut millis, mut resident, mut share) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..bench.pace.starts {
            let (server, took) = server::start(kind, &bench.provider).await;
            millis.push(took.as_secs_f64() * 1e3);
            resident.push(server.process.resident_kib() as f64 / 1024.0);
            share.push(server.process.pss_kib() as f64 / 1024.0);
        }
        let medians = [median(&millis), median(&resident), median(&share)].map(show);
        let [took, resident, share] = medians;
        rows.push(vec![kind.name().to_owned(), took, range(&millis), resident, share]);
    }
    let size = fs::metadata(program()).map_or(0, |file| file.len());
    let head = ["", "first token after, ms", "least – most", "resident, MiB", "PSS, MiB"];
    format!(
        "### Start\n\nFrom the start of the process to the first token, of {} starts; memory after \
         that.\n\n{}\nThe program is one file of {} MiB.\n",
        bench.pace.starts,
        table(&head, rows),
        show(size as f64 / (1 << 20) as f64)
    )
}
