mod spare;

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::future::join_all;
use http::{HeaderMap, Response, Version};
use http_body_util::Full;
use hyper::{Request, body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::Builder,
    time::{Instant, sleep},
};
use url::Url;

use super::*;
use crate::{
    outbound::Transport,
    settings::{self, Http},
};

/// What a server does with a connection.
#[derive(Clone, Copy)]
enum Does {
    /// Answers every request.
    Answer,
    /// Answers one, and hangs up a moment later.
    AnswerOnce,
    /// Hangs up when a request comes.
    HangUp,
    /// Hangs up at once.
    Close,
    /// Says something before it is asked, and then answers every request.
    Speak,
}

/// A server that does as told with each connection, and what it saw.
#[derive(Clone, Default)]
struct Server {
    accepted: Arc<AtomicUsize>,
    /// For each request the connection on which it came, from 1 on.
    asked: Arc<Mutex<Vec<usize>>>,
    closed: Arc<AtomicUsize>,
}

impl Server {
    /// `does`: by the connection's number, with the last for all that follow.
    async fn start(does: &'static [Does]) -> (Self, Client, Post) {
        let server = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/x", listener.local_addr().unwrap());
        let seen = server.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let number = seen.accepted.fetch_add(1, SeqCst) + 1;
                let does = does[number.min(does.len()) - 1];
                let seen = seen.clone();
                tokio::spawn(async move {
                    seen.serve(stream, does, number).await;
                    seen.closed.fetch_add(1, SeqCst);
                });
            }
        });
        let (client, post) = client(&url, Http::Auto);
        (server, client, post)
    }

    async fn serve(&self, mut stream: TcpStream, does: Does, number: usize) {
        let mut buffer = [0; 4096];
        if matches!(does, Does::Speak) {
            stream.write_all(b"H").await.unwrap();
        }
        while !matches!(does, Does::Close) && stream.read(&mut buffer).await.is_ok_and(|n| n > 0) {
            self.asked.lock().unwrap().push(number);
            if matches!(does, Does::HangUp) {
                return;
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
            if matches!(does, Does::AnswerOnce) {
                return;
            }
        }
    }

    fn asked(&self) -> Vec<usize> {
        self.asked.lock().unwrap().clone()
    }

    async fn has_accepted(&self, number: usize) {
        until(|| self.accepted.load(SeqCst) >= number).await;
    }
}

fn client(url: &str, http: Http) -> (Client, Post) {
    let url = Url::parse(url).unwrap();
    let settings = settings::Transport { http, ..settings::Transport::default() };
    let transport = Transport::open(&settings, &|_| None).unwrap();
    let client = transport.client(&url, Duration::from_secs(10)).unwrap();
    (client, Post::new(&url, HeaderMap::new()).unwrap())
}

async fn until(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not come to that");
        sleep(Duration::from_millis(2)).await;
    }
}

async fn ask(client: &Client, post: &Post) -> Result<Vec<u8>, Lost> {
    let reply = client.send(post, "{}".into()).await?;
    Ok(reply.read_capped(1000).await.unwrap())
}

#[tokio::test]
async fn a_connection_carries_one_request_after_the_other() {
    let (server, client, post) = Server::start(&[Does::Answer]).await;
    for _ in 0..3 {
        assert_eq!(ask(&client, &post).await, Ok(b"ok".to_vec()));
    }
    assert_eq!(server.asked(), [1, 1, 1]);
}

#[tokio::test]
async fn each_thread_prefers_its_own_and_takes_those_of_others() {
    let (server, client, post) = Server::start(&[Does::Answer]).await;
    let mut elsewhere = Builder::new_multi_thread();
    let elsewhere = elsewhere.worker_threads(1).enable_all().build().unwrap();
    let ask_elsewhere = || {
        let (client, post) = (client.clone(), post.clone());
        elsewhere.spawn(async move { ask(&client, &post).await.unwrap() })
    };
    let reply = client.send(&post, "{}".into()).await.unwrap();
    ask_elsewhere().await.unwrap();
    reply.read_capped(1000).await.unwrap();
    // The first was used last.
    ask_elsewhere().await.unwrap();
    ask(&client, &post).await.unwrap();
    assert_eq!(server.asked(), [1, 2, 2, 1]);
    let reply = client.send(&post, "{}".into()).await.unwrap();
    ask(&client, &post).await.unwrap();
    assert_eq!(server.asked(), [1, 2, 2, 1, 1, 2], "rather than a new one");
    drop(reply);
    elsewhere.shutdown_background();
}

#[tokio::test]
async fn one_that_was_closed_meanwhile_is_not_used() {
    let (server, client, post) = Server::start(&[Does::AnswerOnce, Does::Answer]).await;
    ask(&client, &post).await.unwrap();
    until(|| server.closed.load(SeqCst) == 1).await;
    sleep(Duration::from_millis(50)).await;
    ask(&client, &post).await.unwrap();
    assert_eq!(server.asked(), [1, 2]);
}

#[tokio::test]
async fn one_whose_answer_was_not_read_is_not_used_again() {
    let (server, client, post) = Server::start(&[Does::Answer]).await;
    drop(client.send(&post, Bytes::new()).await.unwrap());
    ask(&client, &post).await.unwrap();
    assert_eq!(server.asked(), [1, 2]);
}

#[tokio::test]
async fn the_end_of_a_new_connection_is_told_from_that_of_an_old_one() {
    let (server, client, post) = Server::start(&[Does::HangUp]).await;
    assert_eq!(ask(&client, &post).await, Err(Lost::HungUp));
    assert_eq!(server.asked(), [1]);
    let (server, client, post) = spare::warm(&[Does::HangUp]).await;
    assert_eq!(ask(&client, &post).await, Err(Lost::Stale));
    assert_eq!(server.asked(), [1]);
}

/// Each connection of this server is answered twice for its first request, the second time later.
fn answers_twice() -> (Client, Post) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/x", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{number}");
            assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
            for _ in 0..2 {
                stream.write_all(answer.as_bytes()).unwrap();
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    });
    client(&url, Http::Auto)
}

#[tokio::test]
async fn what_was_there_before_a_request_is_no_answer_to_it() {
    let (client, post) = answers_twice();
    assert_eq!(ask(&client, &post).await, Ok(b"0".to_vec()));
    // So that the runtime is not told.
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(ask(&client, &post).await, Ok(b"1".to_vec()));
}

#[tokio::test]
async fn with_http_2_one_connection_is_for_all() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/x", listener.local_addr().unwrap());
    let accepted = Arc::<AtomicUsize>::default();
    let count = accepted.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, SeqCst);
            let server = http2::Builder::new(TokioExecutor::new());
            let answer = service_fn(|request: Request<Incoming>| async move {
                assert_eq!(request.version(), Version::HTTP_2);
                sleep(Duration::from_millis(5)).await;
                Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from("ok"))))
            });
            tokio::spawn(server.serve_connection(TokioIo::new(stream), answer));
        }
    });
    let (client, post) = client(&url, Http::Two);
    let all = join_all((0..50).map(|_| ask(&client, &post))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(accepted.load(SeqCst), 1);
    // A spare one takes its place.
    client.keep_warm();
    until(|| client.0.kept().spare.is_some()).await;
    client.0.kept().forget_shared();
    join_all((0..50).map(|_| ask(&client, &post))).await;
    until(|| accepted.load(SeqCst) == 3).await;
}

#[tokio::test]
async fn nobody_there_is_told_to_all_who_wait() {
    let (client, post) = client("http://127.0.0.1:1", Http::Two);
    let all = join_all((0..10).map(|_| ask(&client, &post))).await;
    let refused = Err(Unconnected::Refused.into());
    assert!(all.iter().all(|it| *it == refused), "{all:?}");
}

#[tokio::test]
async fn a_request_in_flight_needs_little_memory() {
    let (_, client, post) = Server::start(&[Does::Answer]).await;
    let sending = size_of_val(&client.send(&post, Bytes::new()));
    let reply = client.send(&post, Bytes::new()).await.unwrap();
    let reading = size_of_val(&reply.read_capped(1000));
    assert!(sending < 2048 && reading < 1024, "{sending} {reading}");
}
