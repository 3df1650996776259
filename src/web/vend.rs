//! The minting routes, and the list of what they mint.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{access_log::Facts, body::Asked, problem::Problem};
use crate::{
    app::App,
    error::Error,
    shape::{ClientSecret, Listed, SingleUseToken, Token},
    token::{Shape, TokenType},
    vending::{Vended, Vending, vend},
};

/// `POST /session`: the configured token type, in its provider's own shape.
pub(super) async fn session(State(app): State<App>, asked: Asked) -> Response {
    let live = app.live();
    answer(vend(&live, &live.session, &asked.without_anchor()).await, own_shape)
}

/// `POST /tokens/{type}`: any token type, in our shape.
pub(super) async fn token(
    State(app): State<App>,
    Path(name): Path<String>,
    asked: Asked,
) -> Response {
    let live = app.live();
    answer(vend(&live, &name, &asked.without_anchor()).await, |vended| {
        Json(Token::new(&vended, app.clock().unix())).into_response()
    })
}

/// `POST /v1/realtime/client_secrets`: as `/session`, for SDKs.
pub(super) async fn client_secret(State(app): State<App>, asked: Asked) -> Response {
    let live = app.live();
    answer(vend(&live, &live.session, &asked.with_anchor()).await, own_shape)
}

/// `POST /v1/single-use-token/{type}`: as ElevenLabs answers it, for its SDKs.
pub(super) async fn single_use_token(
    State(app): State<App>,
    Path(name): Path<String>,
    asked: Asked,
) -> Response {
    let live = app.live();
    let single_use = |it: &&TokenType| it.shape == Shape::SingleUseToken;
    if live.tokens.get(name.as_str()).filter(single_use).is_none() {
        let known = live.tokens.values().filter(single_use).map(|it| it.name.to_string());
        return Problem::from(Error::UnknownTokenType { known: known.collect() }).into_response();
    }
    answer(vend(&live, &name, &asked.without_anchor()).await, own_shape)
}

/// `GET /tokens`
pub(super) async fn list(State(app): State<App>) -> Response {
    let live = app.live();
    let tokens: Vec<_> = live.tokens.values().filter(|it| it.enabled).map(Listed::from).collect();
    Json(json!({ "tokens": tokens })).into_response()
}

fn answer(vending: Vending<'_>, shape: impl FnOnce(Vended<'_>) -> Response) -> Response {
    let facts = Facts::of(&vending);
    let mut response = match vending.result {
        Ok(vended) => shape(vended),
        Err(error) => Problem::from(error).into_response(),
    };
    response.extensions_mut().insert(facts);
    response
}

fn own_shape(Vended { token_type, minted }: Vended<'_>) -> Response {
    let (token, expires_at) = (minted.token.expose(), minted.expires_at);
    match token_type.shape {
        Shape::ClientSecret => Json(ClientSecret { value: token, expires_at }).into_response(),
        Shape::SingleUseToken => Json(SingleUseToken { token }).into_response(),
    }
}
