//! A running sandbox, and clients for it.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle, time::timeout};
use tokio_tungstenite::tungstenite::Error;
use valetkey::sandbox::{self, ELEVENLABS_KEY, Options, XAI_KEY};

use crate::support::http::client;
pub use crate::support::{
    http::Answer,
    process::{PATIENCE, until},
    socket::Socket,
};

pub const XAI_MINT: &str = "/v1/realtime/client_secrets";
pub const SCRIBE_MINT: &str = "/v1/single-use-token/realtime_scribe";

/// The mint routes, and what the token is called in their answers.
pub const MINTS: [(&str, &str); 2] = [(XAI_MINT, "value"), (SCRIBE_MINT, "token")];

/// A sandbox on a port of its own, stopped when dropped.
pub struct StandIn {
    pub address: String,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

impl StandIn {
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(sandbox::run(listener, options, async {
            let _ = stopped.await;
        }));
        Self { address, stop: Some(stop), task }
    }

    /// One with the given faults in force.
    pub async fn with_faults(faults: &[&str]) -> Self {
        let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
        Self::with(Options { faults, ..Options::default() }).await
    }

    /// Asks it to stop and waits until it has.
    pub async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        timeout(PATIENCE, self.task).await.expect("does not stop").unwrap().unwrap();
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        client().request(method, format!("http://{}{path}", self.address))
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    /// A mint at the provider `path` belongs to, with its key.
    pub fn mint_at(&self, path: &str) -> RequestBuilder {
        if path.starts_with("/v1/realtime") {
            return self.post(path).bearer_auth(XAI_KEY);
        }
        self.post(path).header("xi-api-key", ELEVENLABS_KEY)
    }

    /// A mint at xAI with this body.
    pub fn mint_with(&self, body: &'static str) -> RequestBuilder {
        self.mint_at(XAI_MINT).header("content-type", "application/json").body(body)
    }

    pub async fn xai_secret(&self) -> String {
        Answer::to(self.mint_at(XAI_MINT)).await.token()
    }

    pub async fn token(&self, token_type: &str) -> String {
        Answer::to(self.mint_at(&format!("/v1/single-use-token/{token_type}"))).await.token()
    }

    pub async fn control(&self, method: Method, route: &str, body: Option<Value>) -> Value {
        let request = self.request(method, &format!("/_sandbox/{route}"));
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let text = Answer::to(request.body(body)).await.text;
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Puts exactly `faults` in force.
    pub async fn set(&self, faults: &[&str]) {
        let now = self.control(Method::PUT, "faults", Some(json!(faults))).await;
        assert_eq!(now.as_array().map(Vec::len), Some(faults.len()), "{now}");
    }

    pub async fn history(&self) -> Vec<Value> {
        let history = self.control(Method::GET, "history", None).await;
        history.as_array().expect("the history is not an array").clone()
    }

    /// What the history has of the last request.
    pub async fn last(&self) -> Value {
        self.history().await.pop().unwrap()
    }

    pub async fn expire(&self) {
        assert!(self.control(Method::POST, "expire", None).await["expired"].is_u64());
    }

    /// Opens a socket with the given headers.
    pub async fn socket(&self, path: &str, headers: &[(&str, &str)]) -> Socket {
        self.dial(path, headers).await.expect("refused")
    }

    /// The status and the JSON that a socket with the given headers is refused with.
    pub async fn refused(&self, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let Err(Error::Http(refusal)) = self.dial(path, headers).await else {
            panic!("{path} is not refused")
        };
        let body = refusal.body().clone().unwrap_or_default();
        let body = serde_json::from_slice(&body).expect("the refusal is not JSON");
        (refusal.status().as_u16(), body)
    }

    pub async fn dial(&self, path: &str, headers: &[(&str, &str)]) -> Result<Socket, Error> {
        Socket::dial(&format!("ws://{}{path}", self.address), headers).await
    }
}

/// Status and JSON of an answer.
pub async fn sent(request: RequestBuilder) -> (u16, Value) {
    let answer = Answer::to(request).await;
    (answer.status.as_u16(), answer.json())
}
