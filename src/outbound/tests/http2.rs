//! HTTP/2: one connection for all, and what a server did not process.

use std::convert::Infallible;

use futures_util::future::join_all;
use http::{Response, Version};
use http_body_util::Full;
use hyper::{Request, body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::*;

/// Serves HTTP/2 and answers at once; counts its connections.
async fn http2_server() -> (Url, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = url(listener.local_addr().unwrap());
    let accepted = Arc::<AtomicUsize>::default();
    let count = accepted.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, SeqCst);
            let answer = service_fn(|request: Request<Incoming>| async move {
                assert_eq!(request.version(), Version::HTTP_2);
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("ok"))))
            });
            let server = http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), answer));
        }
    });
    (url, accepted)
}

#[tokio::test]
async fn with_http_2_one_connection_is_for_all_that_are_few_and_one_for_the_others() {
    let (url, accepted) = http2_server().await;
    let (client, post) = (client(&url, Http::Two), PreparedPost::new(url, HeaderMap::new()));
    let all = join_all((0..50).map(|_| ask(&client, &post))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(accepted.load(SeqCst), 2);
}

#[tokio::test]
async fn nobody_there_is_told_to_all_who_wait() {
    let url: Url = "http://127.0.0.1:1".parse().unwrap();
    let (client, post) = (client(&url, Http::Two), PreparedPost::new(url, HeaderMap::new()));
    let all = join_all((0..10).map(|_| ask(&client, &post))).await;
    // Who waits for another's connection is not told why there is none.
    assert_eq!(all[0], Err(ConnectError::Refused.into()));
    assert!(all.iter().all(|answer| matches!(answer, Err(SendError::Connect(_)))), "{all:?}");
}

/// What an HTTP/2 server does with the streams of a connection.
#[derive(Clone, Copy)]
enum Http2Does {
    /// Says GOAWAY after so many requests, and answers no later one.
    GoAwayAfter(usize),
    /// Refuses every stream of this number.
    RefuseEach(usize),
    /// On the first connection: allows no stream at all.
    AllowNone,
}

/// Serves HTTP/2 stream by stream; counts the requests that it processed.
async fn http2_streams(does: Http2Does) -> (Url, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = url(listener.local_addr().unwrap());
    let processed = Arc::<AtomicUsize>::default();
    let count = processed.clone();
    tokio::spawn(async move {
        for number in 1.. {
            let (stream, _) = listener.accept().await.unwrap();
            let count = count.clone();
            tokio::spawn(async move {
                let mut builder = h2::server::Builder::new();
                if matches!(does, Http2Does::AllowNone) && number == 1 {
                    builder.max_concurrent_streams(0);
                }
                let Ok(mut connection) = builder.handshake::<_, Bytes>(stream).await else {
                    return;
                };
                let mut requests = 0;
                while let Some(Ok((_, mut respond))) = connection.accept().await {
                    requests += 1;
                    match does {
                        Http2Does::RefuseEach(nth) if requests % nth == 0 => {
                            respond.send_reset(h2::Reason::REFUSED_STREAM);
                            continue;
                        }
                        // Those that are on their way then are above its last stream.
                        Http2Does::GoAwayAfter(last) if requests == last => {
                            connection.graceful_shutdown();
                        }
                        _ => (),
                    }
                    count.fetch_add(1, SeqCst);
                    let mut body = respond.send_response(Response::new(()), false).unwrap();
                    body.send_data(Bytes::from("ok"), true).unwrap();
                }
            });
        }
    });
    (url, processed)
}

#[tokio::test]
async fn what_was_not_processed_is_asked_again() {
    for does in [Http2Does::GoAwayAfter(20), Http2Does::RefuseEach(7)] {
        let (url, processed) = http2_streams(does).await;
        let (client, post) = (client(&url, Http::Two), PreparedPost::new(url, HeaderMap::new()));
        for _ in 0..25 {
            let all = join_all((0..8).map(|_| ask(&client, &post))).await;
            assert!(all.iter().all(Result::is_ok), "{all:?}");
        }
        assert_eq!(processed.load(SeqCst), 200, "none is processed twice");
    }
}

#[tokio::test]
async fn a_connection_that_takes_no_requests_is_given_up_with_the_first_that_waited_for_it() {
    let (url, _) = http2_streams(Http2Does::AllowNone).await;
    let (client, post) = (client(&url, Http::Two), PreparedPost::new(url, HeaderMap::new()));
    // The default before the server's settings come is a hundred streams.
    let first = timeout(Duration::from_millis(500), ask(&client, &post)).await;
    let stuck = match first {
        Ok(_) => timeout(Duration::from_millis(500), ask(&client, &post)).await.is_err(),
        Err(_) => true,
    };
    assert!(stuck, "a request was taken");
    let next = timeout(PATIENCE, ask(&client, &post)).await;
    assert_eq!(next.expect("it waits on the same connection"), Ok(b"ok".to_vec()));
}
