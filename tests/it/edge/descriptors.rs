//! A limit of open files that is too low.

use std::net::TcpStream;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::{in_front_of, in_service, limited, raw, token};
use crate::support::{
    http::Answer,
    process::{self, Server, until},
    provider,
};

#[tokio::test]
async fn with_64_of_them_everyone_who_asks_is_told_something() {
    let url = provider::answering_with(200, &token());
    let server = Server::start(
        limited(&in_front_of(&url), 64)
            // They stay busy for as long as the test takes.
            .env("VALETKEY__SERVER__BODY_TIMEOUT", "20s"),
    );
    let line = server.log_line(|line| line["open_files"] == 64);
    let (most, requests) = (line["max_connections"].as_u64().unwrap(), &line["max_requests"]);
    assert!(most >= 10 && requests.as_u64().unwrap() >= 10, "{line}");
    let idle: Vec<TcpStream> = (0..300).map(|_| raw::connect(&server.url)).collect();
    for _ in 0..20 {
        assert_eq!(server.get_admin("/healthz").await.status, 200);
        let answer = server.post("/session").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    drop(idle);
    let busy: Vec<TcpStream> = (0..most).map(|_| in_service(&server)).collect();
    let mut told = 0;
    for _ in 0..50 {
        let mut socket = raw::sent(&server.url, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
        if let Some(reply) = raw::split(&raw::read_all(&mut socket)).0.pop() {
            assert_eq!((reply.status, reply.code().as_str()), (503, "overloaded"));
            told += 1;
        }
    }
    assert!(told > 0, "nobody was told");
    assert_eq!(server.get_admin("/readyz").await.status, 200);
    assert_eq!(server.metric("valetkey_accept_failures_total").await, 0);
    drop(busy);
}

#[tokio::test]
async fn where_the_system_gives_none_it_rests_and_goes_on() {
    let url = provider::answering_with(200, &token());
    let server = Server::start(&mut in_front_of(&url));
    // One connection for the metrics, which is kept.
    let admin = reqwest::Client::builder().no_proxy().build().unwrap();
    let metrics = async || {
        let answer = Answer::to(admin.get(format!("{}/metrics", server.admin))).await;
        process::value(&answer.text, "valetkey_accept_failures_total")
    };
    assert_eq!(metrics().await, 0);
    let pid = Pid::from_raw(i32::try_from(server.pid()).unwrap());
    let before = prlimit(pid, Resource::Nofile, Rlimit { current: Some(3), maximum: Some(20_000) });
    let before = before.unwrap();
    let waiting: Vec<TcpStream> = (0..5)
        .map(|_| raw::sent(&server.url, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"))
        .collect();
    until(async || (metrics().await >= 3).then_some(()), || server.output()).await;
    prlimit(pid, Resource::Nofile, before).unwrap();
    for mut socket in waiting {
        assert_eq!(raw::read_one(&mut socket).status, 200, "who waited is served");
    }
    let log = server.end();
    assert_eq!(log.matches("cannot take in connections").count(), 1, "{log}");
}
