//! A WebSocket client, as a browser would use our answers.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _, http::HeaderValue},
};

use super::process::PATIENCE;

/// A socket that is open.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// `new WebSocket(url, protocols)`
    pub async fn open(url: &str, protocols: &[&str]) -> Self {
        let mut request = url.into_client_request().unwrap();
        if !protocols.is_empty() {
            let list = HeaderValue::from_str(&protocols.join(", ")).unwrap();
            request.headers_mut().insert("sec-websocket-protocol", list);
        }
        let (socket, answer) = timeout(PATIENCE, connect_async(request)).await.unwrap().unwrap();
        let chosen = answer.headers().get("sec-websocket-protocol").map(|it| it.to_str().unwrap());
        assert!(protocols.is_empty() || chosen.is_some_and(|chosen| protocols.contains(&chosen)));
        Self(socket)
    }

    pub async fn send(&mut self, event: &Value) {
        self.0.send(Message::text(event.to_string())).await.unwrap();
    }

    /// The next event.
    pub async fn receive(&mut self) -> Value {
        loop {
            let message = timeout(PATIENCE, self.0.next()).await.unwrap();
            if let Message::Text(text) = message.expect("closed").unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    /// The next event that `wanted` accepts.
    pub async fn receive_until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let event = self.receive().await;
            if wanted(&event) {
                return event;
            }
        }
    }
}
