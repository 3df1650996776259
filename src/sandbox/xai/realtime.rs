//! `GET /v1/realtime`: who may open the socket, and with which subprotocol.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    errors::{XaiError, upgrade_required},
    session,
};
use crate::sandbox::{
    XAI_KEY,
    query::Query,
    socket::Handshake,
    state::Sandbox,
    tokens::{Product, Refusal},
};

/// The model of a socket that names none.
const DEFAULT_MODEL: &str = "grok-voice-latest";

/// What a client presents to be let in.
pub(super) enum Presented {
    Nothing,
    Credential(String),
}

/// Opens a session for a minted secret (or the key), in a header or as a subprotocol.
pub(crate) async fn realtime(State(sandbox): State<Sandbox>, request: Request) -> Response {
    let model = Query::of(request.uri()).value("model").unwrap_or(DEFAULT_MODEL).to_owned();
    let headers = request.headers().clone();
    let Some(handshake) = Handshake::of(request).await else {
        return upgrade_required();
    };
    match admit(&sandbox, &headers) {
        Ok(protocol) => handshake.accept(protocol, |peer| session::run(peer, model)),
        Err(error) => error.into_response(),
    }
}

/// The credential of the `Authorization` header.
pub(super) fn bearer(headers: &HeaderMap) -> Presented {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match value.and_then(|value| value.split_once(' ')) {
        Some((scheme, credential))
            if scheme.eq_ignore_ascii_case("bearer") && !credential.trim().is_empty() =>
        {
            Presented::Credential(credential.trim().to_owned())
        }
        _ => Presented::Nothing,
    }
}

/// The subprotocol to select, if the client may come in.
fn admit(sandbox: &Sandbox, headers: &HeaderMap) -> Result<Option<HeaderValue>, XaiError> {
    let offered = offered(headers);
    let openai = offered.iter().find_map(|one| one.strip_prefix("openai-insecure-api-key."));
    let own = offered.iter().find(|one| one.starts_with("xai-client-secret."));
    // The selected one must be among those offered, and equal to it, or browsers hang up.
    let protocol = match (own, openai) {
        (Some(own), _) => HeaderValue::from_str(own).ok(),
        (None, Some(_)) => offered
            .iter()
            .any(|one| one == "realtime")
            .then(|| HeaderValue::from_static("realtime")),
        (None, None) => None,
    };
    let secret = own.and_then(|own| own.strip_prefix("xai-client-secret."));
    match (bearer(headers), secret, openai) {
        (Presented::Credential(credential), ..) => check(sandbox, &credential, true)?,
        (Presented::Nothing, Some(secret), _) => check(sandbox, secret, false)?,
        (Presented::Nothing, None, Some(credential)) => check(sandbox, credential, true)?,
        (Presented::Nothing, None, None) => {
            return Err(XaiError::named(StatusCode::UNAUTHORIZED, "no-credentials"));
        }
    }
    Ok(protocol)
}

fn check(sandbox: &Sandbox, credential: &str, may_be_key: bool) -> Result<(), XaiError> {
    if may_be_key && credential == XAI_KEY {
        return Ok(());
    }
    match sandbox.tokens.redeem(credential, Product::XaiRealtime) {
        Ok(()) => Ok(()),
        Err(Refusal::Expired) => Err(XaiError::named(StatusCode::UNAUTHORIZED, "bad-credentials")),
        Err(Refusal::Unknown | Refusal::WrongProduct | Refusal::Used) => {
            Err(XaiError::incorrect_key(credential))
        }
    }
}

/// The subprotocols the client offers, in its order.
fn offered(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let lists = values.filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(|one| one.trim().to_owned()).collect()
}
