//! A web server that answers as it is told, and counts.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// What a request gets.
#[derive(Clone)]
pub(super) enum Answer {
    /// This body, after this long.
    Body(Vec<u8>, Duration),
    /// This status, with these headers.
    Status(u16, String),
    /// Bytes without an end, announced as 1 GiB or not at all.
    Endless(bool),
    /// Nothing.
    Hang,
    /// The end of the connection.
    Close,
}

/// The server, as long as it is kept.
pub(super) struct Server {
    pub(super) url: String,
    hits: Arc<AtomicUsize>,
    /// The answer to a path that ends so; the first that fits.
    answers: Arc<Mutex<Vec<(&'static str, Answer)>>>,
}

impl Server {
    pub(super) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (hits, answers) = (Arc::default(), Arc::new(Mutex::new(vec![("", answer)])));
        let server = Self { url, hits, answers };
        let (hits, answers) = (server.hits.clone(), server.answers.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, hits.clone(), answers.clone()));
            }
        });
        server
    }

    /// One that has these keys.
    pub(super) async fn with_keys(keys: &[Value]) -> Self {
        Self::start(set(keys)).await
    }

    /// Answers everything so from now on.
    pub(super) fn answer(&self, answer: Answer) {
        *self.answers.lock().unwrap() = vec![("", answer)];
    }

    /// Answers paths that end so differently.
    pub(super) fn answer_at(&self, path: &'static str, answer: Answer) {
        self.answers.lock().unwrap().insert(0, (path, answer));
    }

    /// How many requests there were.
    pub(super) fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }
}

/// The answer that is a set of `keys`.
pub(super) fn set(keys: &[Value]) -> Answer {
    body(json!({"keys": keys}).to_string())
}

pub(super) fn body(text: impl Into<Vec<u8>>) -> Answer {
    Answer::Body(text.into(), Duration::ZERO)
}

async fn serve(
    mut stream: TcpStream,
    hits: Arc<AtomicUsize>,
    answers: Arc<Mutex<Vec<(&'static str, Answer)>>>,
) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => return,
        }
    }
    hits.fetch_add(1, Ordering::SeqCst);
    let request = String::from_utf8(request).unwrap();
    let path = request.split(' ').nth(1).unwrap();
    let answer = {
        let answers = answers.lock().unwrap();
        answers.iter().find(|(end, _)| path.ends_with(end)).unwrap().1.clone()
    };
    let end = "connection: close\r\n\r\n";
    let _ = match answer {
        Answer::Body(body, after) => {
            tokio::time::sleep(after).await;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{end}", body.len());
            stream.write_all(&[head.into_bytes(), body].concat()).await
        }
        Answer::Status(status, headers) => {
            let head = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n{headers}{end}");
            stream.write_all(head.as_bytes()).await
        }
        Answer::Endless(announced) => {
            let length = if announced { "content-length: 1073741824\r\n" } else { "" };
            let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{length}{end}").as_bytes()).await;
            while stream.write_all(&[b' '; 8192]).await.is_ok() {}
            Ok(())
        }
        Answer::Hang => std::future::pending().await,
        Answer::Close => Ok(()),
    };
}
