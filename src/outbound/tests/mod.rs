//! The client against servers that do as told with each connection.

mod connections;
mod http2;

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::join_all;
use http::HeaderMap;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
    time::timeout,
};
use url::Url;

use super::{
    resolver::{AddressCache, Resolver, tests::silent_at},
    *,
};
use crate::settings::{self, Http};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a server does with a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    /// Answers every request.
    Answer,
    /// Answers one request, and closes the connection.
    AnswerOnce,
    /// Answers one request, and closes the connection when the next comes.
    AnswerThenClose,
    /// Closes the connection when a request comes.
    CloseWhenAsked,
    /// Answers each request twice.
    AnswerTwice,
    /// Answers before it is asked, and then every request.
    AnswerUnasked,
    /// Answers no request.
    Hold,
}

/// A server that does as told with each connection, and what it saw.
#[derive(Clone, Default)]
struct Server {
    /// For each request the connection on which it came, from 1 on.
    asked: Arc<Mutex<Vec<usize>>>,
    closed: Arc<AtomicUsize>,
    changed: Arc<Notify>,
}

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

impl Server {
    /// `does`: by the connection's number, with the last for all that follow.
    async fn start(does: &'static [Does]) -> (Self, Client, PreparedPost) {
        let server = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = url(listener.local_addr().unwrap());
        let seen = server.clone();
        tokio::spawn(async move {
            for number in 1.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (seen, does) = (seen.clone(), does[number.min(does.len()) - 1]);
                tokio::spawn(async move {
                    let _ = seen.serve(stream, does, number).await;
                    seen.closed.fetch_add(1, SeqCst);
                    seen.changed.notify_one();
                });
            }
        });
        (server, client(&url, Http::Auto), PreparedPost::new(url, HeaderMap::new()))
    }

    async fn serve(
        &self,
        mut stream: TcpStream,
        does: Does,
        number: usize,
    ) -> Result<(), std::io::Error> {
        let mut buffer = [0; 4096];
        if does == Does::AnswerUnasked {
            stream.write_all(ANSWER).await?;
        }
        for request in 1.. {
            if stream.read(&mut buffer).await? == 0 {
                break;
            }
            self.asked.lock().unwrap().push(number);
            self.changed.notify_one();
            if does == Does::Hold {
                continue;
            }
            if does == Does::CloseWhenAsked || (does == Does::AnswerThenClose && request > 1) {
                break;
            }
            stream.write_all(ANSWER).await?;
            if does == Does::AnswerTwice {
                stream.write_all(ANSWER).await?;
            }
            if does == Does::AnswerOnce {
                break;
            }
        }
        Ok(())
    }

    fn asked(&self) -> Vec<usize> {
        self.asked.lock().unwrap().clone()
    }

    /// Waits until `number` connections are closed.
    async fn has_closed(&self, number: usize) {
        self.until(|| self.closed.load(SeqCst) >= number).await;
    }

    async fn until(&self, is_so: impl Fn() -> bool) {
        let so = async {
            while !is_so() {
                self.changed.notified().await;
            }
        };
        timeout(PATIENCE, so).await.expect("it does not come to that");
    }
}

fn url(address: SocketAddr) -> Url {
    format!("http://{address}/v1/x").parse().unwrap()
}

fn transport(http: Http) -> Transport {
    let settings = settings::Transport { http, ..settings::Transport::default() };
    Transport::open(&settings, &|_| None).unwrap()
}

fn client(url: &Url, http: Http) -> Client {
    transport(http).client(url, Duration::from_secs(10)).unwrap()
}

async fn ask(client: &Client, post: &PreparedPost) -> Result<Vec<u8>, SendError> {
    let reply = client.post(post, "{}".into()).await?;
    Ok(reply.read_capped(1000).await.unwrap())
}

#[tokio::test]
async fn one_dead_address_of_several_takes_nobody_away() {
    let (good, silent) = (IpAddr::from([127, 6, 1, 1]), IpAddr::from([127, 6, 1, 2]));
    let listener = TcpListener::bind((good, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let _full = silent_at(silent, port);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while stream.read(&mut buffer).await.is_ok_and(|length| length > 0) {
                    stream.write_all(ANSWER).await.unwrap();
                }
            });
        }
    });
    for addresses in [[silent, good], [good, silent]] {
        let cache = AddressCache::new(move |_| {
            Box::pin(async move { Ok(addresses.map(|address| SocketAddr::new(address, 0)).into()) })
        });
        let url: Url = format!("http://server.test:{port}/").parse().unwrap();
        let resolver = |url: &Url| Resolver::new(cache.clone(), url);
        let client = transport(Http::Auto);
        let client = client.client_with(resolver, &url, Duration::from_secs(2)).unwrap();
        let post = PreparedPost::new(url, HeaderMap::new());
        let all = join_all((0..8).map(|_| ask(&client, &post))).await;
        assert!(all.iter().all(Result::is_ok), "{addresses:?}: {all:?}");
    }
}

#[tokio::test]
async fn a_request_says_where_it_goes_how_long_it_is_and_who_asks() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let url: Url = format!("http://{address}/gate/v1/x%20y?a=b").parse().unwrap();
    let headers =
        HeaderMap::from_iter([(http::header::AUTHORIZATION, "Bearer k".parse().unwrap())]);
    let (client, post) = (client(&url, Http::Auto), PreparedPost::new(url, headers));
    for body in ["", "{\"a\": 1}"] {
        let reply = client.post(&post, body.into());
        let server = async {
            let mut stream = listener.accept().await.unwrap().0;
            let mut text = String::new();
            while !text.ends_with(&format!("\r\n\r\n{body}")) {
                let mut buffer = [0; 4096];
                let length = stream.read(&mut buffer).await.unwrap();
                text.push_str(str::from_utf8(&buffer[..length]).unwrap());
            }
            let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            text
        };
        let (_, text) = tokio::join!(reply, server);
        assert!(text.starts_with("POST /gate/v1/x%20y?a=b HTTP/1.1\r\n"), "{text}");
        let mut lines: Vec<_> = text.split("\r\n\r\n").next().unwrap().lines().skip(1).collect();
        lines.sort_unstable();
        let agent = concat!("user-agent: valetkey/", env!("CARGO_PKG_VERSION"));
        let (length, host) =
            (format!("content-length: {}", body.len()), format!("host: {address}"));
        assert_eq!(lines, ["accept: */*", "authorization: Bearer k", &length, &host, agent]);
    }
}
