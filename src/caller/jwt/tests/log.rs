//! What the log says of an issuer: each change once, and nothing of a token.

use std::{
    io,
    sync::{Arc, Mutex},
};

use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use super::{
    claims, fetching,
    server::{Answer, Server, body, set},
    sets::pass,
    signer::{RSA, RSA_2},
};

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Sink {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Sink {
    /// How many lines have `text` in them.
    fn count(&self, text: &str) -> usize {
        let log = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        log.lines().filter(|line| line.contains(text)).count()
    }
}

#[tokio::test]
async fn each_change_is_logged_once_and_no_token() {
    let sink = Sink::default();
    let level = tracing::Level::TRACE;
    let subscriber = tracing_subscriber::fmt().with_max_level(level).with_ansi(false);
    let _guard = tracing::subscriber::set_default(subscriber.with_writer(sink.clone()).finish());
    let server = Server::start(body("<html>canary</html>")).await;
    let issuer = fetching(&server, "[\"RS256\"]");
    let (good, unknown) = (RSA.sign(&claims(json!({}))), RSA_2.sign(&claims(json!({}))));
    for _ in 0..3 {
        assert!(issuer.verify(&good).await.is_err());
        pass(2).await;
    }
    assert_eq!(server.hits(), 3);
    let (failing, back) = ("WARN", "keys can be fetched again");
    assert_eq!((sink.count(failing), sink.count(back)), (1, 0));
    assert_eq!(sink.count("is not a JSON object"), 1);
    server.answer(set(&[RSA.jwk(json!({}))]));
    assert!(issuer.verify(&good).await.is_ok());
    assert_eq!((sink.count(failing), sink.count(back)), (1, 1));
    server.answer(Answer::Status(503, String::new()));
    for _ in 0..3 {
        assert!(issuer.verify(&unknown).await.is_err());
        pass(31).await;
    }
    assert_eq!((sink.count(failing), sink.count("status 503")), (2, 1));
    server.answer(Answer::Close);
    assert!(issuer.verify(&unknown).await.is_err());
    assert_eq!(sink.count(failing), 3, "another reason");
    server.answer(set(&[RSA.jwk(json!({}))]));
    pass(31).await;
    assert!(issuer.verify(&unknown).await.is_err());
    assert_eq!((sink.count(failing), sink.count(back)), (3, 2));
    assert_eq!(sink.count("canary"), 0);
    for part in good.split('.').chain(unknown.split('.')) {
        assert_eq!(sink.count(part), 0);
    }
}
