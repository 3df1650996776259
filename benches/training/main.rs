//! What a busy server does, for the compiler to watch: scripts/guided has the program built so that it
//! counts which ways its code takes, runs this, and has it built again for the ways that were taken.
//! Run by hand it only says whether everything is answered as it should be. The arguments
//! are the program, and the file that it writes its counts to.
#![allow(clippy::unwrap_used, missing_docs, reason = "a training that cannot go on should stop")]
#![allow(clippy::print_stderr, reason = "what was done")]
#![allow(unreachable_pub, reason = "a program of many files")]

#[path = "../support/program.rs"]
mod program;
mod provider;
mod requests;
mod server;

use std::sync::Arc;

use reqwest::Client;
use tokio::task::JoinSet;

use provider::Provider;
use requests::Wanted;
use server::Server;

/// How many ask at once.
const CALLERS: usize = 64;

/// How often each of them makes every request: over HTTP/1.1, as from most proxies, and over HTTP/2.
const TIMES: [usize; 2] = [60, 15];

#[tokio::main]
async fn main() {
    let mut given = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let program = given.next().unwrap_or_else(|| env!("CARGO_BIN_EXE_valetkey").to_owned());
    let provider = Provider::start().await;
    let server = Server::start(&program, given.next().as_deref(), &provider);
    let clients = [Client::builder(), Client::builder().http2_prior_knowledge()];
    let clients = clients.map(|client| client.no_proxy().build().unwrap());
    let requests = Arc::new(requests::all(&clients[0], &server));
    for (client, times) in clients.into_iter().zip(TIMES) {
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            callers.spawn(ask(client.clone(), Arc::clone(&requests), times));
        }
        callers.join_all().await;
    }
    server.end();
    let asked = requests.len() * CALLERS * TIMES.iter().sum::<usize>();
    eprintln!("{asked} requests were answered as they should be");
}

async fn ask(client: Client, requests: Arc<Vec<Wanted>>, times: usize) {
    for _ in 0..times {
        for wanted in &*requests {
            wanted.ask(&client).await;
        }
    }
}
