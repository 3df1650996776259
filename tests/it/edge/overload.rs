//! More to do than can be done.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::{in_front_of, records, token};
use crate::support::{
    http::{Answer, client, post},
    process::{PATIENCE, Server, run, transcript, valetkey},
    provider::{self, ScriptedProvider},
};

/// A provider that answers once it is told to. Its base URL.
fn held(released: &Arc<AtomicBool>) -> String {
    let released = released.clone();
    let script = move |_: &_| {
        while !released.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(5));
        }
        Some(provider::answer(200, "", &token()))
    };
    ScriptedProvider::start(script).url
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_at_once() {
    let released = Arc::default();
    let server = Server::start(
        in_front_of(&held(&released))
            .env("VALETKEY__SERVER__MAX_REQUESTS", "2")
            .env("VALETKEY__SERVER__REQUEST_TIMEOUT", "1m")
            .env("VALETKEY__PROVIDERS__XAI__TIMEOUT", "20s"),
    );
    let url = format!("{}/session", server.url);
    let ask = || tokio::spawn(client().post(url.clone()).send());
    let working = [ask(), ask()];
    server.wait_for_metric("valetkey_requests_in_flight", |it| it >= 2).await;
    let begun = Instant::now();
    let more: Vec<_> = (0..40).map(|_| ask()).collect();
    for answer in more {
        let answer = Answer::of(answer.await.unwrap().unwrap()).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "overloaded"));
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
    for path in ["healthz", "readyz", "tokens"] {
        assert_eq!(server.get(&format!("/{path}")).await.status, 200, "{path}");
    }
    assert_eq!(server.get_admin("/readyz").await.status, 200);
    assert_eq!(server.metric("valetkey_requests_in_flight").await, 2);
    released.store(true, Ordering::Relaxed);
    for answer in working {
        assert_eq!(answer.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(post(&url).await.status, 200);
    server.wait_for_metric("valetkey_requests_in_flight", |it| it == 0).await;
    let overloaded = |line: &&String| line.contains("\"outcome\":\"overloaded\"");
    let records = records(&server, 43);
    assert_eq!(records.iter().filter(overloaded).count(), 40, "each is recorded");
}

#[tokio::test]
async fn slow_bodies_keep_nobody_out() {
    let released = Arc::new(AtomicBool::new(true));
    let server =
        Server::start(in_front_of(&held(&released)).env("VALETKEY__SERVER__MAX_REQUESTS", "1"));
    let half = b"POST /session HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{";
    let slow: Vec<_> = (0..20).map(|_| super::raw::sent(&server.url, half)).collect();
    server.wait_for_metric("valetkey_connections", |it| it >= 20).await;
    assert_eq!(server.post("/session").await.status, 200);
    drop(slow);
}

#[test]
fn a_request_must_outlive_its_mint() {
    let mut command = valetkey(&["check"]);
    command.env("XAI_API_KEY", "key").env("VALETKEY__SERVER__REQUEST_TIMEOUT", "10s");
    let output = run(&mut command);
    assert_eq!(output.status.code(), Some(78));
    assert!(transcript(&output).contains("must be longer than providers."), "{output:?}");
}

#[tokio::test]
async fn a_request_has_a_deadline_as_a_whole() {
    let server = Server::start(
        in_front_of(&held(&Arc::default()))
            // Its deadline is another matter.
            .env("VALETKEY__AUDIT__TO", "off")
            .env("VALETKEY__PROVIDERS__XAI__TIMEOUT", "300ms")
            .env("VALETKEY__PROVIDERS__ELEVENLABS__TIMEOUT", "300ms")
            .env("VALETKEY__SERVER__REQUEST_TIMEOUT", "500ms")
            .env("VALETKEY__SERVER__BODY_TIMEOUT", "10s"),
    );
    assert_eq!(server.post("/session").await.code(), "provider_timeout");
    let half = b"POST /session HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{";
    let mut socket = super::raw::sent(&server.url, half);
    let reply = super::raw::read_one(&mut socket);
    assert_eq!((reply.code().as_str(), reply.says_close()), ("request_timeout", true));
    assert!(reply.body.contains("longer than 0.5 s"), "{}", reply.body);
}
