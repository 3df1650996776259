//! A stand-in provider that is as slow or as broken as it is told.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{Response, StatusCode},
};
use tokio::net::TcpListener;

/// What it does with a request.
#[derive(Clone, Copy, Debug)]
pub enum Answers {
    /// A token, after this time.
    Token(Duration),
    /// This status, with `Retry-After: 0`.
    Status(u16),
    /// Every so manieth request a 503 with `Retry-After: 0`, and else a token.
    Flapping(u64),
}

/// A provider that runs as long as the process does.
pub struct Provider {
    /// Its base URL.
    pub url: String,
    asked: Arc<AtomicU64>,
}

impl Provider {
    pub async fn start(answers: Answers) -> Self {
        let asked = Arc::<AtomicU64>::default();
        let counter = Arc::clone(&asked);
        let handler = move || {
            let number = counter.fetch_add(1, Ordering::Relaxed);
            answer(answers, number)
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(handler);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, asked }
    }

    /// How many requests reached it.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

async fn answer(answers: Answers, number: u64) -> Response<Body> {
    let status = match answers {
        Answers::Token(after) => {
            tokio::time::sleep(after).await;
            return token(number);
        }
        Answers::Flapping(every) if !number.is_multiple_of(every) => return token(number),
        Answers::Flapping(_) => 503,
        Answers::Status(status) => status,
    };
    let status = StatusCode::from_u16(status).unwrap();
    Response::builder().status(status).header("retry-after", "0").body(Body::empty()).unwrap()
}

fn token(number: u64) -> Response<Body> {
    Response::new(format!("{{\"token\":\"sutkn_{number:020}\"}}").into())
}
