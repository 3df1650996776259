//! Panics are answered, told and counted, and end nothing.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use reqwest::Method;
use tokio::{net::TcpListener, sync::oneshot};
use valetkey::{
    app::{App, Ingredients, Live},
    base::{clock::Clock, secret::Secret},
    metrics::Metrics,
    outbound::Transport,
    provider::{Account, Instance, Provider, ProviderError, Providers},
    server::{self, Listeners},
    settings::{Layers, Problems, Settings},
    token::{MintSpec, Minted},
};

use super::{accounts::Accounts, file, minter::Minter, serving};
use crate::support::{
    http::{Answer, client, post},
    process::Server,
};

/// A provider that panics when it is asked, when its answer is waited for, and when it is given up;
/// from then on it mints.
#[derive(Default)]
struct Panics(AtomicUsize);

struct OnDrop;

impl Drop for OnDrop {
    fn drop(&mut self) {
        panic!("as told, when dropped");
    }
}

#[async_trait]
impl Provider for Panics {
    async fn mint(&self, _: &MintSpec) -> Result<Minted, ProviderError> {
        match self.0.fetch_add(1, Ordering::SeqCst) {
            0 => panic!("as told, at once"),
            1 => {
                tokio::time::sleep(Duration::from_millis(20)).await;
                panic!("as told, after {} ms", 20)
            }
            2 => {
                let hangs = async {
                    let _dropped = OnDrop;
                    std::future::pending().await
                };
                let given_up = tokio::time::timeout(Duration::from_millis(20), hangs).await;
                given_up.unwrap_or(Err(ProviderError::Died))
            }
            _ => Ok(Minted { token: Secret::new("token"), expires_at: 4_000_000_000 }),
        }
    }
}

/// An app in front of `provider`, recording to `audit`.
fn app(provider: impl Provider + 'static, audit: &str) -> App {
    let mut problems = Problems::default();
    let options = vec![
        ("audit.to", audit.to_owned(), "the test"),
        ("server.lame_duck", "0s".to_owned(), "the test"),
    ];
    let tree = Layers { options, ..Layers::default() }.merge(&mut problems);
    let settings = Settings::read(&tree, &mut problems);
    let env = |name: &str| (name == "XAI_API_KEY").then(|| "key".to_owned());
    let (clock, metrics) = (Clock::system(), Metrics::new(["xai_realtime"], ["xai"]));
    let ingredients = Ingredients {
        settings: &settings,
        tree: &tree,
        env: &env,
        clock,
        metrics,
        sandbox: false,
        previous: None,
    };
    let account = Account {
        name: "xai".into(),
        base_url: "http://127.0.0.1".parse().unwrap(),
        keys: vec![Secret::new("key")],
        timeout: Duration::from_secs(10),
        transport: Transport::default(),
    };
    let mut providers = Providers::default();
    providers.insert(Instance::new("xai", account, Arc::new(provider)));
    let live = Live { providers, ..ingredients.live(&mut problems) };
    let keeps = ingredients.keeps(&mut problems);
    assert!(problems.is_empty(), "{problems}");
    App::new(live, keeps)
}

#[tokio::test]
async fn a_mint_that_panics_is_answered_and_recorded_as_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let app = app(Panics::default(), &file(&path));
    let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/session", public.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let listeners = Listeners { public, admin: None };
    let shutdown = async { drop(stopped.await) };
    let running = tokio::spawn(server::run(listeners, app.clone(), shutdown));

    let client = client();
    let ask = |id: &str| client.post(&url).header("x-request-id", id).send();
    for id in ["at-once", "after-a-while", "when-dropped"] {
        let answer = Answer::of(ask(id).await.unwrap()).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (500, "internal"), "{id}");
        assert!(!answer.text.contains("as told"), "{}", answer.text);
    }
    assert_eq!(ask("last").await.unwrap().status(), 200, "it lives");
    assert!(app.tasks().is_empty());
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
    app.audit().flush();

    let accounts = Accounts::read(&path);
    assert_eq!((accounts.ended("unknown"), accounts.ended("yes")), (3, 1));
    for id in ["at-once", "after-a-while", "when-dropped"] {
        assert_eq!(accounts.records[id]["outcome"], "abandoned", "{id}");
    }
}

/// A kernel without any randomness left, for as long as there is a certain file. A thread that then
/// needs a new name for something for the first time panics.
const NO_RANDOMNESS: &str = r#"
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>
ssize_t getrandom(void *to, size_t length, unsigned flags) {
    if (access(getenv("NO_RANDOMNESS"), F_OK) == 0) { errno = EIO; return -1; }
    return syscall(SYS_getrandom, to, length, flags);
}
"#;

#[tokio::test]
async fn the_program_survives_its_own_panics_and_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("random.c"), NO_RANDOMNESS).unwrap();
    let mut cc = std::process::Command::new("cc");
    cc.args(["-shared", "-fPIC", "-o"]).arg(at("random.so")).arg(at("random.c"));
    assert!(cc.status().unwrap().success());
    let minter = Minter::start(5);
    let mut command = serving(&minter.url(), &file(&at("audit.log")));
    command.env("LD_PRELOAD", at("random.so")).env("NO_RANDOMNESS", at("none"));
    let server = Server::start(&mut command);
    let url = format!("{}/session", server.url);
    let named = async |method: Method, url: &str| {
        let asked = client().request(method, url).header("x-request-id", "named");
        Answer::to(asked).await
    };
    let panics = async |server: &Server| {
        let metrics = named(Method::GET, &format!("{}/metrics", server.admin)).await.text;
        let line = metrics.lines().find_map(|line| line.strip_prefix("valetkey_panics_total "));
        line.unwrap().parse::<u32>().unwrap()
    };
    assert_eq!(panics(&server).await, 0);

    fs::write(at("none"), "").unwrap();
    // In the task that vends: a mint has no name.
    let died = named(Method::POST, &url).await;
    assert_eq!((died.status.as_u16(), died.code().as_str()), (500, "internal"));
    // Around all handlers: the request itself has none.
    let nameless = post(&url).await;
    assert_eq!(nameless.status, 500);
    assert_eq!(nameless.header("content-type"), Some("application/problem+json"));
    assert_eq!(nameless.header("cache-control"), Some("no-store"));
    assert_eq!(nameless.json()["code"], "internal");
    fs::remove_file(at("none")).unwrap();

    assert_eq!(post(&url).await.status, 200, "it lives");
    assert_eq!(panics(&server).await, 2);
    let panicked = |it: &serde_json::Value| it["message"].as_str().unwrap().starts_with("panicked");
    let line = server.log_line(panicked);
    assert_eq!(line["level"], "ERROR");
    let location = line["at"].as_str().unwrap();
    assert!(location.contains(".rs:"), "{location}");
    let log = server.end();
    assert_eq!(log.matches("\"panicked").count(), 2, "{log}");
    // What a panic says may hold anything.
    assert!(!log.contains("ThreadRng"), "{log}");
    let accounts = Accounts::read(&at("audit.log"));
    assert_eq!((accounts.ended("yes"), minter.stop().0), (1, 1));
    assert_eq!(accounts.records["named"]["minted"], "no", "the provider was not asked");
}
