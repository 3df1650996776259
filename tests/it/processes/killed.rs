//! SIGKILL: whatever the provider minted has its line.

use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
    time::Duration,
};

use super::{Chance, accounts::Accounts, client::Clients, file, minter::Minter, serving};
use crate::support::{now, process::Server};

const ROUNDS: u64 = 200;

/// What all rounds came to, so that it can be seen that they tried something.
#[derive(Default)]
struct Total {
    minted: AtomicUsize,
    given: AtomicUsize,
    unknown: AtomicUsize,
}

/// Kills a server amid its work, and looks at what it left.
fn round(seed: u64, last: bool, total: &Total) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let minter = Minter::start(seed);
    let mut server = Server::start(&mut serving(&minter.url(), &file(&path)));
    let clients = Clients::start(4, &server.url);
    thread::sleep(Duration::from_micros(Chance(seed).below(60_000)));
    server.signal("KILL");
    server.wait();
    let (replies, _) = clients.stop();
    let (seen, minted) = minter.stop();
    let accounts = Accounts::read(&path);
    accounts.check(seen, &minted, &replies);
    if last {
        accounts.check_page(&path);
    }
    total.minted.fetch_add(minted.len(), Relaxed);
    total.given.fetch_add(replies.len(), Relaxed);
    total.unknown.fetch_add(accounts.ended("unknown"), Relaxed);
}

#[test]
#[ignore = "needs jq, and takes 10 s; scripts/test runs it"]
#[expect(clippy::print_stdout, reason = "how to try it again is told when it fails")]
fn at_200_random_moments_no_token_is_lost_count_of() {
    let seed = std::env::var("SEED").map_or_else(|_| now(), |seed| seed.parse().unwrap());
    println!("again with: SEED={seed} cargo test --test it processes::killed");
    let (total, next) = (Total::default(), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Relaxed) as u64;
                    if number >= ROUNDS {
                        break;
                    }
                    round(seed * ROUNDS + number, number + 1 == ROUNDS, &total);
                }
            });
        }
    });
    let [minted, given, unknown] =
        [total.minted, total.given, total.unknown].map(AtomicUsize::into_inner);
    println!("{minted} minted, {given} answered, {unknown} unknown");
    assert!(given > 200 && unknown > 100, "{minted} minted, {given} given, {unknown} unknown");
    assert!(minted >= given);
}
