//! `GET /v1/speech-to-text/realtime`: audio in, transcripts out.

use axum::{
    extract::{Request, State},
    response::Response,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{access::by_token_or_key, errors::upgrade_required, transcript};
use crate::sandbox::{
    query::Query,
    socket::{Gone, Handshake, Peer},
    state::Sandbox,
    tokens::Product,
};

/// Policy violation; which code the provider closes with is not known.
const REFUSED: u16 = 1008;

/// Opens a session for a `realtime_scribe` token in the query, or for the key.
///
/// Refusals come after the upgrade, in band, so that a page can read them.
pub(crate) async fn scribe(State(sandbox): State<Sandbox>, request: Request) -> Response {
    let query = Query::of(request.uri());
    let headers = request.headers().clone();
    let Some(handshake) = Handshake::of(request).await else {
        return upgrade_required();
    };
    let (token, product) = (query.value("token"), Product::RealtimeScribe);
    if by_token_or_key(&sandbox, token, product, &headers, false).is_err() {
        return handshake.accept(None, refuse);
    }
    let session =
        Session { timestamps: query.value("include_timestamps") == Some("true"), heard: 0 };
    let config = config(&query);
    handshake.accept(None, |peer| session.run(peer, config))
}

async fn refuse(mut peer: Peer) -> Result<(), Gone> {
    let error = "You must be authenticated to use this endpoint.";
    peer.send(&json!({ "message_type": "auth_error", "error": error })).await?;
    peer.close(REFUSED, "auth_error").await
}

/// The settings as the provider repeats them: those of the query, over the defaults.
fn config(query: &Query) -> Value {
    let mut config = Map::from_iter([
        ("model_id".to_owned(), json!("scribe_v2_realtime")),
        ("audio_format".to_owned(), json!("pcm_16000")),
        ("sample_rate".to_owned(), json!(16_000)),
        ("commit_strategy".to_owned(), json!("manual")),
        ("include_timestamps".to_owned(), json!(false)),
    ]);
    for (name, value) in query.iter().filter(|(name, _)| *name != "token") {
        let typed = match serde_json::from_str(value) {
            Ok(typed @ (Value::Bool(_) | Value::Number(_))) => typed,
            _ => json!(value),
        };
        config.insert(name.to_owned(), typed);
    }
    Value::Object(config)
}

struct Session {
    /// Whether committed transcripts come with timestamps too.
    timestamps: bool,
    /// Bytes of audio since the last commit.
    heard: usize,
}

/// A message of the client that fits.
struct Chunk {
    /// Bytes of audio in it.
    audio: usize,
    commit: bool,
}

impl Session {
    async fn run(mut self, mut peer: Peer, config: Value) -> Result<(), Gone> {
        let session_id = Uuid::new_v4().simple().to_string();
        let mut started = json!({ "message_type": "session_started", "config": config });
        started["session_id"] = json!(session_id);
        peer.send(&started).await?;
        loop {
            let chunk = peer.next().await?.and_then(|message| chunk(&message));
            let answers = match chunk {
                Ok(chunk) => self.answer(&chunk),
                Err(error) => vec![json!({ "message_type": "input_error", "error": error })],
            };
            for answer in answers {
                peer.send(&answer).await?;
            }
        }
    }

    fn answer(&mut self, chunk: &Chunk) -> Vec<Value> {
        let mut answers = Vec::new();
        self.heard = self.heard.saturating_add(chunk.audio);
        let text = transcript::text(self.heard);
        if chunk.audio > 0 {
            answers.push(json!({ "message_type": "partial_transcript", "text": text }));
        }
        if !chunk.commit {
            return answers;
        }
        self.heard = 0;
        answers.push(json!({ "message_type": "committed_transcript", "text": text }));
        if self.timestamps {
            answers.push(json!({
                "message_type": "committed_transcript_with_timestamps",
                "text": text,
                "language_code": "eng",
                "words": transcript::words(&text),
            }));
        }
        answers
    }
}

fn chunk(message: &Value) -> Result<Chunk, &'static str> {
    if message["message_type"] != "input_audio_chunk" {
        return Err("message_type must be input_audio_chunk");
    }
    let audio = message["audio_base_64"].as_str().ok_or("audio_base_64 must be a string")?;
    let audio = BASE64_STANDARD.decode(audio).map_err(|_| "audio_base_64 is not base64")?.len();
    let commit = match &message["commit"] {
        Value::Null => false,
        Value::Bool(commit) => *commit,
        _ => return Err("commit must be a boolean"),
    };
    if !matches!(&message["sample_rate"], Value::Null | Value::Number(_)) {
        return Err("sample_rate must be a number");
    }
    Ok(Chunk { audio, commit })
}
