//! Very many clients who want nothing, and one who does.

use std::{
    io::Write as _,
    net::TcpStream,
    time::{Duration, Instant},
};

use super::{in_service, open_files, raw, sandbox};
use crate::support::process::Server;

/// What a good client may wait beside all the others, on a machine that has other things to do.
const LONG: Duration = Duration::from_secs(5);

/// Asks `times` times, on a connection of its own each time; the longest that took.
fn ask(server: &Server, times: usize) -> Duration {
    let request = b"POST /session HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let once = |_| {
        let begun = Instant::now();
        let reply = raw::read_one(&mut raw::sent(&server.url, request));
        assert_eq!(reply.status, 200, "{}", reply.body);
        begun.elapsed()
    };
    (0..times).map(once).max().unwrap()
}

#[tokio::test]
async fn a_good_client_is_served_beside_2000_slow_ones() {
    open_files();
    let server = Server::start(sandbox().env("VALETKEY__SERVER__HEADER_TIMEOUT", "2m"));
    let begun = [
        "",
        "GET /hea",
        "GET /healthz HTTP/1.1\r\nhost: x\r\n",
        "POST /session HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{",
    ];
    let slow = |at: usize| raw::sent(&server.url, begun[at % begun.len()].as_bytes());
    let _slow: Vec<TcpStream> = (0..2_000).map(slow).collect();
    let longest = ask(&server, 100);
    assert!(longest < LONG, "{longest:?}");
    server.wait_for_metric("valetkey_connections", |connections| connections > 1_900).await;
}

#[tokio::test]
async fn ten_thousand_idle_connections_are_nothing() {
    // Both ends need a descriptor for each, and the rest of the tests some.
    let count = open_files().saturating_sub(6_000).min(10_000);
    if count < 10_000 {
        let said = format!("the limit of open files allows {count} connections only\n");
        std::io::stdout().write_all(said.as_bytes()).unwrap();
    }
    let server = Server::start(sandbox().env("VALETKEY__SERVER__HEADER_TIMEOUT", "2m"));
    let idle: Vec<TcpStream> = (0..count).map(|_| raw::connect(&server.url)).collect();
    let longest = ask(&server, 50);
    assert!(longest < LONG, "{longest:?}");
    server.wait_for_metric("valetkey_connections", |it| it >= count as u64).await;
    assert_eq!(server.metric("valetkey_connections_evicted_total").await, 0);
    drop(idle);
}

#[tokio::test]
async fn whoever_merely_holds_a_connection_gives_way() {
    let server = Server::start(
        sandbox()
            .env("VALETKEY__SERVER__HEADER_TIMEOUT", "2m")
            .env("VALETKEY__SERVER__MAX_CONNECTIONS", "20"),
    );
    let mut working = raw::sent(&server.url, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(raw::read_one(&mut working).status, 200);
    let mut busy = in_service(&server);
    let mut idle: Vec<TcpStream> = (0..100).map(|_| raw::sent(&server.url, b"GET /hea")).collect();
    ask(&server, 10);
    // Those who came first went first, without an answer.
    assert_eq!(raw::read_all(&mut working), "");
    assert_eq!(raw::read_all(&mut idle[0]), "");
    // Whoever had a request in the service kept it.
    busy.write_all(b"{}").unwrap();
    assert_eq!(raw::read_one(&mut busy).status, 200);
    server.wait_for_metric("valetkey_connections_evicted_total", |it| it >= 80).await;
    assert_eq!(server.get_admin("/healthz").await.status, 200);
}

/// What a connection ends with may still be on its way, but it gives way all the same.
#[tokio::test]
async fn whoever_had_a_last_answer_gives_way() {
    let server = Server::start(sandbox().env("VALETKEY__SERVER__MAX_CONNECTIONS", "5"));
    let mut left: Vec<TcpStream> = (0..5).map(|_| raw::sent(&server.url, b"\0\r\n\r\n")).collect();
    assert!(left.iter_mut().all(|it| raw::read_one(it).status == 400));
    ask(&server, 5);
    server.wait_for_metric("valetkey_connections_evicted_total", |it| it >= 1).await;
}

#[tokio::test]
async fn where_all_are_busy_the_next_is_refused_politely() {
    let server = Server::start(
        sandbox()
            .env("VALETKEY__SERVER__BODY_TIMEOUT", "20s")
            .env("VALETKEY__SERVER__MAX_CONNECTIONS", "5"),
    );
    let busy: Vec<TcpStream> = (0..5).map(|_| in_service(&server)).collect();
    let healthz = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let refused = raw::read_one(&mut raw::sent(&server.url, healthz));
    assert_eq!(refused.status, 503);
    assert_eq!(refused.code(), "overloaded");
    assert!(refused.says_close() && refused.head.contains("retry-after: 1"), "{}", refused.head);
    let counted = "valetkey_connections_refused_total{reason=\"overloaded\"}";
    server.wait_for_metric(counted, |it| it >= 1).await;
    drop(busy);
    loop {
        if raw::read_all(&mut raw::sent(&server.url, healthz)).contains(" 200 ") {
            break;
        }
    }
}

/// More at once than there can be: those that asked are answered, one way or the other.
#[tokio::test]
async fn nobody_who_asked_is_hung_up_on() {
    let server = Server::start(sandbox().env("VALETKEY__SERVER__MAX_CONNECTIONS", "16"));
    let request = b"POST /session HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let asking: Vec<TcpStream> = (0..100).map(|_| raw::sent(&server.url, request)).collect();
    for mut socket in asking {
        let reply = raw::read_one(&mut socket);
        assert!(matches!(reply.status, 200 | 503), "{}", reply.head);
    }
}
