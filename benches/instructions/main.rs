//! A server for `scripts/instructions`, which counts what it executes: the real one, over a real
//! socket, with everything on.
//!
//! | argument | what is counted |
//! |---|---|
//! | `vend 1000` | a thousand vendings, after some that warm it up; the provider is in the process and answers at once |
//! | `pool 1000` | the same with a pool, each token with the mint that takes its place |
//! | `tls-http1 1000`, `tls-http2 1000` | the same as `vend`, with a provider that is asked over TLS |
//!
//! The client and the provider behind TLS are processes of their own, so that they are not counted. There is one
//! connection, so that all else is done by one worker, apart from the writers of the log and the audit.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot go on should stop")]
#![allow(unreachable_pub, dead_code, reason = "what the other benchmark uses besides")]

#[path = "../support/app.rs"]
mod app;
#[path = "../cost/http.rs"]
mod http;
#[path = "../cost/serve.rs"]
mod serve;
#[path = "../cost/stand_in.rs"]
mod stand_in;
#[path = "../cost/tls.rs"]
mod tls;

use std::{
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
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
        [what @ ("vend" | "pool" | "tls-http1" | "tls-http2"), count] => {
            runtime.block_on(measure(what, count))
        }
        ["stand-in", plain, http1, http2, folder] => {
            serve::end_with_the_bench();
            let addresses = [plain, http1, http2].map(|address| address.parse().unwrap());
            stand_in::run(addresses, folder.as_ref());
        }
        ["client", address, count] => {
            runtime.block_on(ask(address.parse().unwrap(), count.parse().unwrap()));
        }
        _ => panic!("run by scripts/instructions"),
    }
}

async fn measure(what: &str, count: &str) {
    let folder = tempfile::tempdir().unwrap();
    let filter = "info".parse().unwrap();
    let _log = telemetry::start(&Log { format: Format::Json, filter });
    let text = text(folder.path());
    // Held to the end: the provider ends with it.
    let mut provider = None;
    let app = match what {
        "pool" => app::app(&text, Some((TOKEN_TYPE, POOL))),
        "tls-http1" | "tls-http2" => {
            let (child, settings) = start_provider(folder.path(), what == "tls-http2");
            provider = Some(child);
            app::build(&(text + &settings), |_, _| ())
        }
        _ => app::app(&text, None),
    };
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
    if let Some(mut provider) = provider {
        provider.kill().unwrap();
        provider.wait().unwrap();
    }
}

/// A provider that speaks TLS, and the settings for it.
fn start_provider(folder: &Path, http2: bool) -> (Child, String) {
    tls::write_certificate(folder);
    // All of them at once, so that they differ.
    let free: [_; 3] = std::array::from_fn(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let addresses = free.map(|listener| listener.local_addr().unwrap());
    let child = Command::new(std::env::current_exe().unwrap())
        .arg("stand-in")
        .args(addresses.map(|address| address.to_string()))
        .arg(folder)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let address = addresses[if http2 { 2 } else { 1 }];
    while std::net::TcpStream::connect(address).is_err() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let (host, port) = (tls::HOST, address.port());
    let ca = folder.join(tls::CERTIFICATE);
    let settings = format!(
        "[providers.elevenlabs]\nbase_url = \"https://{host}:{port}\"\nca = \"file:{}\"\n",
        ca.display()
    );
    (child, settings)
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
