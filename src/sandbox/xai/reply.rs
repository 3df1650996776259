//! The events of one response, from `response.created` to `response.done`.

use serde_json::{Value, json};

use super::id::id;
use crate::sandbox::tone::tone;

/// A response: the text it says, whether aloud, and its ids.
pub(super) struct Reply {
    response_id: String,
    item_id: String,
    conversation: String,
    metadata: Value,
    text: String,
    aloud: bool,
}

impl Reply {
    /// The response to `request`, the `response` of the client's `response.create`.
    pub(super) fn new(request: &Value, settings: &Value, conversation: &str, text: &str) -> Self {
        Self {
            response_id: id("resp"),
            item_id: id("item"),
            conversation: conversation.to_owned(),
            // Clients match the response to their request by what they put in here.
            metadata: request["metadata"].clone(),
            text: text.to_owned(),
            aloud: !text_only(request).or_else(|| text_only(settings)).unwrap_or(false),
        }
    }

    pub(super) fn item_id(&self) -> &str {
        &self.item_id
    }

    /// All events, in order; `previous` is the item before this one.
    pub(super) fn events(&self, previous: Option<String>) -> Vec<Value> {
        let item = self.item("in_progress", json!([]));
        let mut events = vec![
            json!({ "type": "response.created", "response": self.response("in_progress") }),
            self.event("output_item.added", json!({ "item": item })),
            json!({
                "type": "conversation.item.added",
                "previous_item_id": previous,
                "item": item,
            }),
            self.event("content_part.added", json!({ "part": self.part("") })),
        ];
        events.extend(self.content());
        let item = self.item("completed", json!([self.item_content()]));
        events.push(self.event("content_part.done", json!({ "part": self.part(&self.text) })));
        events.push(self.event("output_item.done", json!({ "item": item })));
        events.push(json!({ "type": "response.done", "response": self.response("completed") }));
        for event in &mut events {
            event["response_id"] = json!(self.response_id);
        }
        events
    }

    /// The text word by word, spoken or not.
    fn content(&self) -> Vec<Value> {
        let words = self.text.split_inclusive(' ');
        if !self.aloud {
            let mut events: Vec<_> = words
                .map(|word| self.event("output_text.delta", json!({ "delta": word })))
                .collect();
            events.push(self.event("output_text.done", json!({ "text": self.text })));
            return events;
        }
        let transcript = "output_audio_transcript";
        let mut events: Vec<_> = words
            .map(|word| self.event(&format!("{transcript}.delta"), json!({ "delta": word })))
            .collect();
        events.push(self.event("output_audio.delta", json!({ "delta": tone() })));
        let whole = json!({ "transcript": self.text });
        events.push(self.event(&format!("{transcript}.done"), whole));
        events.push(self.event("output_audio.done", json!({})));
        events
    }

    /// An event about the response's one item and its one part.
    fn event(&self, name: &str, mut fields: Value) -> Value {
        fields["type"] = json!(format!("response.{name}"));
        fields["item_id"] = json!(self.item_id);
        fields["output_index"] = json!(0);
        fields["content_index"] = json!(0);
        fields
    }

    fn part(&self, text: &str) -> Value {
        if self.aloud {
            return json!({ "type": "audio", "transcript": text });
        }
        json!({ "type": "text", "text": text })
    }

    /// The part as the item holds it: there its type has another name.
    fn item_content(&self) -> Value {
        let mut content = self.part(&self.text);
        content["type"] = json!(if self.aloud { "output_audio" } else { "output_text" });
        content
    }

    fn item(&self, status: &str, content: Value) -> Value {
        json!({
            "id": self.item_id,
            "object": "realtime.item",
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": content,
        })
    }

    fn response(&self, status: &str) -> Value {
        let done = status == "completed";
        let output =
            if done { json!([self.item(status, json!([self.item_content()]))]) } else { json!([]) };
        json!({
            "id": self.response_id,
            "object": "realtime.response",
            "conversation_id": self.conversation,
            "status": status,
            "status_details": null,
            "metadata": self.metadata,
            "output": output,
            "usage": if done { self.usage() } else { Value::Null },
        })
    }

    /// A word counts as a token.
    fn usage(&self) -> Value {
        let words = self.text.split_whitespace().count();
        json!({ "input_tokens": words, "output_tokens": words, "total_tokens": 2 * words })
    }
}

/// Whether only text is wanted, if the place says so at all.
fn text_only(place: &Value) -> Option<bool> {
    let modalities = place["output_modalities"].as_array().or(place["modalities"].as_array())?;
    Some(modalities.iter().all(|modality| modality == "text"))
}
