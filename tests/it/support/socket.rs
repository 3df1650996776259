//! A WebSocket client, as a browser would use our answers.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest as _,
        http::{HeaderName, HeaderValue, Response},
    },
};

use super::process::PATIENCE;

/// A socket that is open.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    answer: Response<Option<Vec<u8>>>,
}

impl Socket {
    /// `new WebSocket(url, protocols)`
    pub async fn open(url: &str, protocols: &[&str]) -> Self {
        let offered = protocols.join(", ");
        let headers = [("sec-websocket-protocol", offered.as_str())];
        let headers = &headers[usize::from(protocols.is_empty())..];
        let socket = Self::dial(url, headers).await.unwrap();
        let chosen = socket.protocol();
        assert!(protocols.is_empty() || chosen.is_some_and(|chosen| protocols.contains(&chosen)));
        socket
    }

    /// With headers of its own, as no browser could.
    pub async fn dial(url: &str, headers: &[(&str, &str)]) -> Result<Self, Error> {
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        }
        let (stream, answer) = timeout(PATIENCE, connect_async(request)).await.unwrap()?;
        Ok(Self { stream, answer })
    }

    /// The subprotocol that the other side chose.
    pub fn protocol(&self) -> Option<&str> {
        let chosen = self.answer.headers().get("sec-websocket-protocol");
        chosen.map(|value| value.to_str().unwrap())
    }

    pub async fn send(&mut self, event: &Value) {
        self.send_text(&event.to_string()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    /// The next frame, whatever it is.
    pub async fn frame(&mut self) -> Option<Result<Message, Error>> {
        timeout(PATIENCE, self.stream.next()).await.expect("nothing comes")
    }

    /// The next event.
    pub async fn receive(&mut self) -> Value {
        match self.frame().await {
            Some(Ok(Message::Text(text))) => serde_json::from_str(&text).unwrap(),
            other => panic!("no event but {other:?}"),
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
