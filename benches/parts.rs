//! The parts that a token is made of besides the decision (`benches/access.rs`): the way through the
//! routes with and without a body, the lines of the audit, and a token from the pool. Run:
//! `cargo bench --bench parts`. Look at the ratios: machines differ.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot go on should stop")]
#![allow(unreachable_pub, reason = "what benchmarks share is a module of each")]

#[path = "support/app.rs"]
mod app;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::body::Body;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use http::{Request, StatusCode};
use tokio::runtime::Runtime;
use valetkey::{
    audit::Audit,
    base::clock::Clock,
    policy::for_operator,
    provider::{PoolTerms, Stocked},
    settings::{self, AddressForm, Sink},
    token::MintRequest,
    web::{self, Layered},
};

use app::{NOW, app};

/// Nobody is limited, and nothing recorded but where that is measured.
const SETTINGS: &str = "[audit]\nto = \"off\"\n[limits.address]\nmode = \"off\"\n\
    [limits.caller]\nmode = \"off\"\n[limits.token]\nmode = \"off\"\n";

fn routes(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let app = app(SETTINGS, None);
    let routes = web::public(&app, &app.live());
    let long =
        format!(r#"{{"expires_after":{{"seconds":60}},"sessionConfig":{:?}}}"#, "x".repeat(8000));
    let bodies = [
        ("without a body", String::new()),
        ("with a lifetime", r#"{"expires_after":{"seconds":60}}"#.to_owned()),
        ("with 8 KB of what is ignored", long),
    ];
    let mut group = criterion.benchmark_group("a token, through the routes");
    for (name, body) in bodies {
        group.bench_function(name, |bencher| {
            bencher.to_async(&runtime).iter_batched(
                || request(&body),
                |request| ask(&routes, request),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn request(body: &str) -> Request<Body> {
    let request = Request::post("/session").header("host", "localhost");
    if body.is_empty() {
        return request.body(Body::empty()).unwrap();
    }
    let request = request.header("content-type", "application/json");
    request.header("content-length", body.len()).body(body.to_owned().into()).unwrap()
}

async fn ask(routes: &Layered, request: Request<Body>) {
    let answer = routes.clone().call(request).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

fn audit(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let settings = settings::Audit {
        to: Sink::File(folder.path().join("audit.log")),
        address: AddressForm::Full,
    };
    let audit = Audit::open(&settings, 1, Clock::system()).unwrap();
    let [backend, token_type, provider] = ["backend", "xai_realtime", "xai"].map(Arc::<str>::from);
    let begin = || {
        let mut record = audit.begin("id", "/session", [127, 0, 0, 1].into());
        record.caller("key", backend.clone(), None);
        record.token_type(&token_type, &provider);
        record.granted(300);
        record
    };
    let mut group = criterion.benchmark_group("the lines of a token in the audit");
    group.bench_function("of a mint", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            let mut record = begin();
            record.intend().await.unwrap();
            record.minted("token", NOW + 300);
            record.finish("vended").await.unwrap();
        });
    });
    group.bench_function("of a token from the pool", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            let mut record = begin();
            record.minted("token", NOW + 300);
            record.finish("vended").await.unwrap();
        });
    });
    group.finish();
}

fn pool(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let _inside = runtime.enter();
    let terms = PoolTerms { size: 10_000, min_remaining: 1 };
    let app = app(SETTINGS, Some(("xai_realtime", terms)));
    let live = app.live();
    let grant = for_operator(&live.tokens["xai_realtime"], &MintRequest::default()).unwrap();
    let take = || live.providers.take(&grant, app.means());
    let mut group = criterion.benchmark_group("a token from the pool");
    // Only hits count; after a miss the pool gets time to be filled.
    group.bench_function("that was there", |bencher| {
        bencher.iter_custom(|times| {
            let mut took = Duration::ZERO;
            for _ in 0..times {
                while !hit(take, &mut took) {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            took
        });
    });
    // Another lifetime than the pool's.
    let other = MintRequest { ttl: Some(60), ..MintRequest::default() };
    let other = for_operator(&live.tokens["xai_realtime"], &other).unwrap();
    group.bench_function("of another lifetime", |bencher| {
        bencher.iter(|| assert!(matches!(live.providers.take(&other, app.means()), Stocked::Past)));
    });
    group.finish();
}

/// Whether there was a token; if so, adds how long it took.
fn hit(take: impl Fn() -> Stocked, took: &mut Duration) -> bool {
    let begun = Instant::now();
    let is_hit = matches!(take(), Stocked::Hit(_));
    *took += if is_hit { begun.elapsed() } else { Duration::ZERO };
    is_hit
}

criterion_group!(benches, routes, audit, pool);
criterion_main!(benches);
