//! Text in, audio out, on a text-to-speech socket that has been opened.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::sandbox::{
    socket::{Gone, Peer},
    tone::tone,
};

/// Policy violation: what the provider closes with when a message does not fit.
pub(super) const REFUSED: u16 = 1008;

/// Closed in order.
const DONE: u16 = 1000;

/// Contexts that may be open at once on one socket.
const CONTEXTS: usize = 5;

/// Speaks what comes until an empty text ends it. `first` is a message already read.
pub(super) async fn single(mut peer: Peer, mut first: Option<Value>) -> Result<(), Gone> {
    loop {
        let message = match next(&mut peer, &mut first).await? {
            Ok(message) => message,
            Err(error) => return refuse(peer, error).await,
        };
        match message["text"].as_str() {
            Some("") => break,
            Some(text) => speak(&mut peer, text, None).await?,
            None => return refuse(peer, "'text' must be a string").await,
        }
    }
    peer.send(&json!({ "audio": null, "isFinal": true })).await?;
    peer.close(DONE, "").await
}

/// Speaks what comes, context by context, until the client closes the socket.
pub(super) async fn multi(mut peer: Peer, mut first: Option<Value>) -> Result<(), Gone> {
    let mut open = BTreeSet::new();
    loop {
        let message = match next(&mut peer, &mut first).await? {
            Ok(message) if message.is_object() => message,
            Ok(_) => return refuse(peer, "the message must be an object").await,
            Err(error) => return refuse(peer, error).await,
        };
        if message["close_socket"] == true {
            break;
        }
        let context = message["context_id"].as_str().unwrap_or("default");
        if message["close_context"] == true {
            open.remove(context);
            finish(&mut peer, context).await?;
            continue;
        }
        // A message may also be there only to flush or to keep the context alive.
        let text = message["text"].as_str().unwrap_or_default();
        if !open.contains(context) && open.len() == CONTEXTS {
            return refuse(peer, "too many contexts are open").await;
        }
        open.insert(context.to_owned());
        speak(&mut peer, text, Some(context)).await?;
    }
    for context in open {
        finish(&mut peer, &context).await?;
    }
    peer.close(DONE, "").await
}

async fn next(
    peer: &mut Peer,
    first: &mut Option<Value>,
) -> Result<Result<Value, &'static str>, Gone> {
    match first.take() {
        Some(message) => Ok(Ok(message)),
        None => peer.next().await,
    }
}

/// Sends the audio of `text`; a blank, with which clients open the stream, has none.
async fn speak(peer: &mut Peer, text: &str, context: Option<&str>) -> Result<(), Gone> {
    if text.trim().is_empty() {
        return Ok(());
    }
    let alignment = alignment(text);
    let mut chunk = json!({
        "audio": tone(),
        "isFinal": null,
        "alignment": alignment,
        "normalizedAlignment": alignment,
    });
    if let Some(context) = context {
        chunk["contextId"] = json!(context);
    }
    peer.send(&chunk).await
}

async fn finish(peer: &mut Peer, context: &str) -> Result<(), Gone> {
    peer.send(&json!({ "audio": null, "isFinal": true, "contextId": context })).await
}

/// When each character is said, ten milliseconds each.
fn alignment(text: &str) -> Value {
    let characters: Vec<String> = text.chars().map(String::from).collect();
    let starts: Vec<usize> = (0..characters.len()).map(|n| n * 10).collect();
    let durations = vec![10; characters.len()];
    json!({ "chars": characters, "charStartTimesMs": starts, "charDurationsMs": durations })
}

async fn refuse(mut peer: Peer, message: &'static str) -> Result<(), Gone> {
    peer.send(&json!({ "message": message, "error": "invalid_message", "code": REFUSED })).await?;
    peer.close(REFUSED, message).await
}
