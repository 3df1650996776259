//! `GET /v1/text-to-speech/{voice}/stream-input` and `…/multi-stream-input`: who may come in.

use axum::{
    extract::{Request, State},
    http::HeaderMap,
    response::Response,
};
use serde_json::{Value, json};

use super::{
    access::{Denied, by_token_or_key},
    errors::upgrade_required,
    speech::{self, REFUSED},
};
use crate::sandbox::{
    ELEVENLABS_KEY,
    query::Query,
    socket::{Gone, Handshake, Peer},
    state::Sandbox,
    tokens::Product,
};

/// One text, one stream of audio.
pub(crate) async fn single(state: State<Sandbox>, request: Request) -> Response {
    open(state, request, false).await
}

/// Several texts at once, told apart by their context.
pub(crate) async fn multi(state: State<Sandbox>, request: Request) -> Response {
    open(state, request, true).await
}

async fn open(State(sandbox): State<Sandbox>, request: Request, multi: bool) -> Response {
    let query = Query::of(request.uri());
    let headers = request.headers().clone();
    let Some(handshake) = Handshake::of(request).await else {
        return upgrade_required();
    };
    let access = access(&sandbox, &query, &headers);
    handshake.accept(None, move |mut peer| async move {
        let first = match access {
            Ok(()) => None,
            // Nothing in the query or the headers: then it is in the first message.
            Err(Denied::MissingKey) => match first(&sandbox, &mut peer).await? {
                Some(message) => Some(message),
                None => return refuse(peer).await,
            },
            Err(_) => return refuse(peer).await,
        };
        if multi { speech::multi(peer, first).await } else { speech::single(peer, first).await }
    })
}

fn access(sandbox: &Sandbox, query: &Query, headers: &HeaderMap) -> Result<(), Denied> {
    let token = query.value("single_use_token");
    by_token_or_key(sandbox, token, Product::TtsWebsocket, headers, false)
}

/// The first message, if what it presents is good.
async fn first(sandbox: &Sandbox, peer: &mut Peer) -> Result<Option<Value>, Gone> {
    let Ok(message) = peer.next().await? else {
        return Ok(None);
    };
    let token = message["single_use_token"].as_str();
    let key = message["xi_api_key"].as_str().or(message["xi-api-key"].as_str());
    let good = match token {
        Some(token) => sandbox.tokens.redeem(token, Product::TtsWebsocket).is_ok(),
        None => key == Some(ELEVENLABS_KEY),
    };
    Ok(good.then_some(message))
}

async fn refuse(mut peer: Peer) -> Result<(), Gone> {
    let message = "Invalid API key";
    peer.send(&json!({ "message": message, "error": "invalid_api_key", "code": REFUSED })).await?;
    peer.close(REFUSED, message).await
}
