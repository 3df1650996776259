//! What a token costs. Run: `make bench`; it installs what is compared.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot go on should stop")]
#![allow(clippy::print_stdout, clippy::print_stderr, unreachable_pub, reason = "its results")]

mod constant;
mod http;
mod load;
mod process;
mod role;
mod server;
mod stand_in;
mod valetkey;

use std::{rc::Rc, time::Duration};

use server::Kind;

fn main() {
    if role::play() {
        return;
    }
    role::on_one_thread(async {
        let provider = server::start(Kind::Direct, server::free_address()).await.0;
        let mut servers = Vec::new();
        for kind in [Kind::Constant, Kind::Nginx, Kind::Valetkey] {
            servers.push((kind, server::start(kind, provider.address).await.0));
        }
        for _ in 0..7 {
            for (kind, server) in &servers {
                let requests = Rc::new(vec![server.request.clone()]);
                let burst = load::closed(
                    &server.process,
                    server.address,
                    &requests,
                    64,
                    (Duration::from_millis(300), Duration::from_millis(1500)),
                )
                .await;
                server.process.forget();
                println!(
                    "{}\t{:.2} us\t{:.0}/s\t{} failed",
                    kind.name(),
                    burst.cost(),
                    burst.per_second(),
                    burst.failed
                );
            }
        }
    });
}
