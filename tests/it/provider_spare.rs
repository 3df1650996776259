//! A connection that is ready before there is a request for it, over TLS.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use http::HeaderMap;
use hyper::{Request, Response, body::Incoming, server::conn, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use url::Url;
use valetkey::{
    outbound::{Client, Post, Transport},
    settings,
};

use crate::support::certificate::{Authority, put, server};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// The connection of this number went through its handshake.
    Ready(usize),
    /// A request came on it.
    Asked(usize),
}

/// A server that speaks this version of HTTP, and a client that keeps a connection to it.
async fn start(version: &str) -> (Receiver<Event>, Client, Post) {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let mut config = server(&authority.vouch("localhost"), None);
    config.alpn_protocols = vec![version.as_bytes().to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/v1/x", listener.local_addr().unwrap().port());
    let (sender, events) = channel();
    tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), sender));
    let ca = Some(put(folder.path(), "ca.pem", &authority.root()));
    let settings = settings::Transport { ca, ..settings::Transport::default() };
    let transport = Transport::open(&settings, &|_| None).unwrap();
    let url = Url::parse(&url).unwrap();
    let client = transport.client(&url, Duration::from_secs(20)).unwrap();
    (events, client, Post::new(&url, HeaderMap::new()).unwrap())
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, events: Sender<Event>) {
    for number in 1.. {
        let (stream, _) = listener.accept().await.unwrap();
        let stream = acceptor.accept(stream).await.unwrap();
        let is_two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        events.send(Event::Ready(number)).unwrap();
        let events = events.clone();
        let answer = service_fn(move |_: Request<Incoming>| {
            events.send(Event::Asked(number)).unwrap();
            std::future::ready(Ok::<_, Infallible>(Response::new("ok".to_owned())))
        });
        let io = TokioIo::new(stream);
        if is_two {
            let two = conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(async move { two.serve_connection(io, answer).await });
        } else {
            let one = conn::http1::Builder::new();
            tokio::spawn(async move { one.serve_connection(io, answer).await });
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handshake_is_over_before_the_first_request() {
    for version in ["http/1.1", "h2"] {
        let (events, client, post) = start(version).await;
        let next = || events.recv_timeout(Duration::from_secs(20)).expect("nothing happens");
        client.keep_warm();
        assert_eq!(next(), Event::Ready(1));
        // It has to be put in its place yet, and to take in what the server says of itself.
        tokio::time::sleep(Duration::from_millis(200)).await;
        for _ in 0..2 {
            let reply = client.send(&post, "{}".into()).await.unwrap();
            assert_eq!(reply.read_capped(100).await.unwrap(), b"ok");
            // Its task has yet to see that it can take another.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // Meanwhile the next is being made.
        let mut seen = [next(), next(), next()];
        seen.sort_by_key(|event| matches!(event, Event::Ready(_)));
        assert_eq!(seen, [Event::Asked(1), Event::Asked(1), Event::Ready(2)], "{version}");
    }
}
