//! A server for `scripts/instructions`, which counts what it executes: the real one, over a real
//! socket, with everything on, and a provider in the same process that answers at once.
//!
//! `instructions vend 1000` serves a thousand requests, after some that warm it up, and ends;
//! `instructions pool 1000` hands out tokens that were minted ahead. The client is a process of its own, so
//! that it is not counted. There is one connection, so that all else is done by one worker, apart from the
//! writers of the log and the audit.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot go on should stop")]
#![allow(unreachable_pub, dead_code, reason = "what the other benchmark uses besides")]

#[path = "../support/app.rs"]
mod app;
#[path = "../cost/http.rs"]
mod http;

use std::{
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
};

use tokio::{net::TcpListener, runtime::Builder};
use valetkey::{
    caller::sha256,
    provider::PoolTerms,
    server::{self, Listeners},
    settings::{Format, Log},
    telemetry,
};

use http::{Connection, post};

/// The caller's key.
const KEY: &str = "vk_0123456789012345678901234567890123456789012";

const TOKEN_TYPE: &str = "realtime_scribe";

/// Small, so that it is full after the first few and each token is replaced by one.
const POOL: PoolTerms = PoolTerms { size: 16, min_remaining: 60 };

/// Requests before those that are counted.
const WARM_UP: u32 = 200;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    match args[1..].iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["vend", count] => runtime.block_on(serve(false, count)),
        ["pool", count] => runtime.block_on(serve(true, count)),
        ["client", address, count] => {
            runtime.block_on(ask(address.parse().unwrap(), count.parse().unwrap()));
        }
        _ => panic!("run by scripts/instructions"),
    }
}

async fn serve(pool: bool, count: &str) {
    let folder = tempfile::tempdir().unwrap();
    let filter = "info".parse().unwrap();
    let _log = telemetry::start(&Log { format: Format::Json, filter });
    let app = app::app(&text(folder.path()), pool.then_some((TOKEN_TYPE, POOL)));
    let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = public.local_addr().unwrap().to_string();
    let mut client = Command::new(std::env::current_exe().unwrap())
        .args(["client", &address, count])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let ended = tokio::task::spawn_blocking(move || client.wait().unwrap());
    let done = async { assert!(ended.await.unwrap().success()) };
    server::run(Listeners { public, admin: None }, app, done).await.unwrap();
}

async fn ask(address: SocketAddr, count: u32) {
    let credential = format!("Bearer {}", KEY);
    let request = post(address, "/session", &[("authorization", &credential)]);
    let mut connection = Connection::open(address).await.unwrap();
    for _ in 0..WARM_UP + count {
        let answer = connection.ask(&request).await.unwrap();
        assert_eq!(answer.status(), 200, "{}", String::from_utf8_lossy(answer.body()));
    }
}

/// Settings as in production, with limits that are counted and never reached.
fn text(folder: &Path) -> String {
    let hash: String = sha256(KEY).iter().map(|byte| format!("{byte:02x}")).collect();
    let audit = folder.join("audit.log");
    let mut text = format!(
        "[session]\ntoken = \"{TOKEN_TYPE}\"\n\
         [server]\nlame_duck = \"0s\"\ndrain = \"1s\"\n\
         [audit]\nto = \"file:{}\"\n[[auth.keys]]\nid = \"backend\"\nsha256 = \"{hash}\"\n",
        audit.display()
    );
    for limit in ["address", "caller", "caller_token", "token"] {
        let wide = "rate = \"1000000/s\"\nquota = \"1000000/s\"";
        text += &format!("[limits.{limit}]\nmode = \"enforce\"\n{wide}\n");
    }
    text
}
