//! The training from its beginning to its end.

use std::sync::Arc;

use reqwest::Client;
use tokio::task::JoinSet;

use super::{
    provider::Provider,
    requests::{self, Wanted},
    server::Server,
};

/// How much is asked for.
pub struct Course {
    /// How many ask at once.
    pub callers: usize,
    /// How often each of them makes every request: over HTTP/1.1, as most proxies do, and over HTTP/2.
    pub times: [usize; 2],
}

impl Course {
    /// Trains `program`, which writes its counts to the file `counts`. Says how many requests were
    /// answered as they should be, which is all.
    pub async fn run(&self, program: &str, counts: Option<&str>) -> usize {
        let provider = Provider::start().await;
        let server = Server::start(program, counts, &provider);
        let clients = [Client::builder(), Client::builder().http2_prior_knowledge()];
        let clients = clients.map(|client| client.no_proxy().build().unwrap());
        let requests = Arc::new(requests::all(&clients[0], &server));
        for (client, times) in clients.into_iter().zip(self.times) {
            let mut callers = JoinSet::new();
            for _ in 0..self.callers {
                callers.spawn(ask(client.clone(), Arc::clone(&requests), times));
            }
            callers.join_all().await;
        }
        server.end();
        requests.len() * self.callers * self.times.iter().sum::<usize>()
    }
}

async fn ask(client: Client, requests: Arc<Vec<Wanted>>, times: usize) {
    for _ in 0..times {
        for wanted in &*requests {
            wanted.ask(&client).await;
        }
    }
}
