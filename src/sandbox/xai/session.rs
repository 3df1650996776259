//! A realtime session after the handshake: what each event of the client is answered with.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};

use super::{id::id, reply};
use crate::sandbox::socket::{Gone, Peer};

/// An event of the client that cannot be served; the session goes on.
struct Invalid {
    code: &'static str,
    message: String,
    param: Option<&'static str>,
}

fn invalid(param: &'static str, message: &str) -> Invalid {
    Invalid { code: "invalid_value", message: message.to_owned(), param: Some(param) }
}

/// What the session knows.
struct Session {
    settings: Value,
    conversation: String,
    last_item: Option<String>,
    last_text: Option<String>,
    /// Bytes of audio appended and not yet committed.
    buffered: usize,
}

/// Serves a session with `model` until the client leaves.
pub(super) async fn run(mut peer: Peer, model: String) -> Result<(), Gone> {
    let mut session = Session::new(&model);
    let created = json!({ "type": "session.created", "session": session.settings });
    send(&mut peer, created).await?;
    loop {
        let (client_event, result) = match peer.next().await? {
            Ok(event) => (event["event_id"].clone(), session.answer(&event)),
            Err(message) => {
                let (code, message) = ("invalid_json", message.to_owned());
                (Value::Null, Err(Invalid { code, message, param: None }))
            }
        };
        let answers = result.unwrap_or_else(|invalid| vec![error(&invalid, client_event)]);
        for event in answers {
            send(&mut peer, event).await?;
        }
    }
}

/// Sends `event` with an id of its own: clients drop events that have none.
async fn send(peer: &mut Peer, mut event: Value) -> Result<(), Gone> {
    event["event_id"] = json!(id("event"));
    peer.send(&event).await
}

fn error(invalid: &Invalid, client_event: Value) -> Value {
    let Invalid { code, message, param } = invalid;
    json!({
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "code": code,
            "message": message,
            "param": param,
            "event_id": client_event,
        }
    })
}

impl Session {
    fn new(model: &str) -> Self {
        let settings = json!({
            "id": id("sess"),
            "object": "realtime.session",
            "type": "realtime",
            "model": model,
            "voice": "eve",
            "instructions": "",
            "turn_detection": { "type": "server_vad" },
            "tools": [],
        });
        let conversation = id("conv");
        Self { settings, conversation, last_item: None, last_text: None, buffered: 0 }
    }

    /// The answers to one event of the client.
    fn answer(&mut self, event: &Value) -> Result<Vec<Value>, Invalid> {
        match event["type"].as_str() {
            Some("session.update") => self.update(&event["session"]),
            Some("conversation.item.create") => self.create_item(&event["item"]),
            Some("conversation.item.delete") => Ok(vec![
                json!({ "type": "conversation.item.deleted", "item_id": event["item_id"] }),
            ]),
            Some("conversation.item.truncate") => Ok(vec![json!({
                "type": "conversation.item.truncated",
                "item_id": event["item_id"],
                "content_index": event["content_index"],
                "audio_end_ms": event["audio_end_ms"],
            })]),
            Some("response.create") => Ok(self.respond(&event["response"])),
            Some("response.cancel") => Err(Invalid {
                code: "response_cancel_not_active",
                message: "there is no active response to cancel".to_owned(),
                param: None,
            }),
            Some("input_audio_buffer.append") => self.append(&event["audio"]),
            Some("input_audio_buffer.commit") => self.commit(),
            Some("input_audio_buffer.clear") => {
                self.buffered = 0;
                Ok(vec![json!({ "type": "input_audio_buffer.cleared" })])
            }
            Some(other) => Err(invalid("type", &format!("unknown event type '{other}'"))),
            None => Err(invalid("type", "the event must be an object with a string 'type'")),
        }
    }

    fn update(&mut self, changes: &Value) -> Result<Vec<Value>, Invalid> {
        let (Value::Object(settings), Value::Object(changes)) = (&mut self.settings, changes)
        else {
            return Err(invalid("session", "'session' must be an object"));
        };
        merge(settings, changes);
        Ok(vec![json!({ "type": "session.updated", "session": self.settings })])
    }

    fn create_item(&mut self, item: &Value) -> Result<Vec<Value>, Invalid> {
        let Value::Object(fields) = item else {
            return Err(invalid("item", "'item' must be an object"));
        };
        if fields.get("type").and_then(Value::as_str).is_none() {
            return Err(invalid("item.type", "'item.type' must be a string"));
        }
        let texts = item["content"].as_array().into_iter().flatten();
        let text: Vec<_> = texts.filter_map(|part| part["text"].as_str()).collect();
        if item["role"] == "user" && !text.is_empty() {
            self.last_text = Some(text.join(" "));
        }
        let mut item = item.clone();
        if !item["id"].is_string() {
            item["id"] = json!(id("item"));
        }
        item["object"] = json!("realtime.item");
        item["status"] = json!("completed");
        Ok(vec![self.added(item)])
    }

    fn append(&mut self, audio: &Value) -> Result<Vec<Value>, Invalid> {
        let decoded = audio.as_str().and_then(|audio| BASE64_STANDARD.decode(audio).ok());
        let audio = decoded.ok_or_else(|| invalid("audio", "'audio' must be base64"))?;
        self.buffered = self.buffered.saturating_add(audio.len());
        Ok(Vec::new())
    }

    fn commit(&mut self) -> Result<Vec<Value>, Invalid> {
        if self.buffered == 0 {
            let message = "the input audio buffer is empty".to_owned();
            return Err(Invalid { code: "input_audio_buffer_commit_empty", message, param: None });
        }
        let text = format!("{} bytes of audio", std::mem::take(&mut self.buffered));
        let item_id = id("item");
        let committed = json!({
            "type": "input_audio_buffer.committed",
            "item_id": item_id,
            "previous_item_id": self.last_item,
        });
        let item = json!({
            "id": item_id,
            "object": "realtime.item",
            "type": "message",
            "role": "user",
            "status": "completed",
            "content": [{ "type": "input_audio", "transcript": text }],
        });
        self.last_text = Some(text);
        Ok(vec![committed, self.added(item)])
    }

    /// The event for an item that joins the conversation.
    fn added(&mut self, item: Value) -> Value {
        let previous = self.last_item.take();
        self.last_item = item["id"].as_str().map(str::to_owned);
        json!({ "type": "conversation.item.added", "previous_item_id": previous, "item": item })
    }

    /// Says the last text of the user back.
    fn respond(&mut self, request: &Value) -> Vec<Value> {
        let text = self.last_text.as_deref().unwrap_or("Hello from the sandbox.");
        let reply = reply::Reply::new(request, &self.settings, &self.conversation, text);
        let (previous, item) = (self.last_item.take(), reply.item_id().to_owned());
        self.last_item = Some(item);
        reply.events(previous)
    }
}

/// Writes `changes` over `settings`, objects within objects too.
fn merge(settings: &mut Map<String, Value>, changes: &Map<String, Value>) {
    for (name, change) in changes {
        match (settings.get_mut(name), change) {
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            _ => {
                settings.insert(name.clone(), change.clone());
            }
        }
    }
}
