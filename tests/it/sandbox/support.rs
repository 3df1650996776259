//! A running sandbox, and clients for it.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest as _,
        http::{self, HeaderName, HeaderValue},
    },
};
use valetkey::sandbox::{self, ELEVENLABS_KEY, Options, XAI_KEY};

pub const XAI_MINT: &str = "/v1/realtime/client_secrets";
pub const SCRIBE_MINT: &str = "/v1/single-use-token/realtime_scribe";

/// Far longer than anything here takes; a test that waits so long has failed.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A sandbox on a port of its own, stopped when dropped.
pub struct StandIn {
    pub address: String,
    pub client: Client,
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
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { address, client, stop: Some(stop), task }
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
        self.client.request(method, format!("http://{}{path}", self.address)).timeout(PATIENCE)
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

    pub async fn xai_secret(&self) -> String {
        let answer = json_of(self.mint_at(XAI_MINT).send().await.unwrap()).await;
        answer["value"].as_str().unwrap().to_owned()
    }

    pub async fn token(&self, token_type: &str) -> String {
        let path = format!("/v1/single-use-token/{token_type}");
        let answer = json_of(self.mint_at(&path).send().await.unwrap()).await;
        answer["token"].as_str().unwrap().to_owned()
    }

    pub async fn control(&self, method: Method, route: &str, body: Option<Value>) -> Value {
        let request = self.request(method, &format!("/_sandbox/{route}"));
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let text = request.body(body).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Puts exactly `faults` in force.
    pub async fn set(&self, faults: &[&str]) {
        let now = self.control(Method::PUT, "faults", Some(json!(faults))).await;
        assert_eq!(now.as_array().map(Vec::len), Some(faults.len()), "{now}");
    }

    pub async fn history(&self) -> Vec<Value> {
        let Value::Array(history) = self.control(Method::GET, "history", None).await else {
            panic!("the history is not an array")
        };
        history
    }

    pub async fn expire(&self) {
        assert!(self.control(Method::POST, "expire", None).await["expired"].is_u64());
    }

    /// Opens a socket with the given headers.
    pub async fn socket(&self, path: &str, headers: &[(&str, &str)]) -> Socket {
        self.try_socket(path, headers).await.expect("refused")
    }

    /// Opens a socket, or gives the status and the JSON it was refused with.
    pub async fn try_socket(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Socket, (u16, Value)> {
        match self.dial(path, headers).await {
            Ok(socket) => Ok(socket),
            Err(Error::Http(refusal)) => {
                let body = refusal.body().clone().unwrap_or_default();
                let body = serde_json::from_slice(&body).expect("the refusal is not JSON");
                Err((refusal.status().as_u16(), body))
            }
            Err(other) => panic!("neither opened nor refused: {other}"),
        }
    }

    pub async fn dial(&self, path: &str, headers: &[(&str, &str)]) -> Result<Socket, Error> {
        let url = format!("ws://{}{path}", self.address);
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        }
        let (stream, answer) = timeout(PATIENCE, connect_async(request)).await.unwrap()?;
        Ok(Socket { stream, answer })
    }
}

/// An open socket, seen from the client.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    answer: http::Response<Option<Vec<u8>>>,
}

impl Socket {
    pub fn protocol(&self) -> Option<&str> {
        let value = self.answer.headers().get("sec-websocket-protocol");
        value.map(|value| value.to_str().unwrap())
    }

    pub async fn send(&mut self, message: Value) {
        self.send_text(&message.to_string()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    /// The next frame, whatever it is.
    pub async fn frame(&mut self) -> Option<Result<Message, Error>> {
        timeout(PATIENCE, self.stream.next()).await.expect("nothing comes")
    }

    /// The next event.
    pub async fn event(&mut self) -> Value {
        match self.frame().await {
            Some(Ok(Message::Text(text))) => serde_json::from_str(&text).unwrap(),
            other => panic!("no event but {other:?}"),
        }
    }

    /// The code the other side closes with, next, and then ends the connection in order.
    pub async fn closed(&mut self) -> u16 {
        let code = match self.frame().await {
            Some(Ok(Message::Close(Some(frame)))) => frame.code.into(),
            other => panic!("no close but {other:?}"),
        };
        assert!(self.frame().await.is_none(), "the connection does not end in order");
        code
    }
}

pub async fn json_of(response: Response) -> Value {
    let text = response.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}"))
}

/// Status and JSON of an answer.
pub async fn sent(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), json_of(response).await)
}
