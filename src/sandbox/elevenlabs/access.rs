//! Who may use an ElevenLabs route: the key in `xi-api-key`, or a single-use token.

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::errors::refuse;
use crate::sandbox::{
    ELEVENLABS_KEY,
    state::Sandbox,
    tokens::{Product, Refusal},
};

/// Why a request is not let in.
pub(super) enum Denied {
    MissingKey,
    InvalidKey,
    Token(Refusal),
}

/// Checks the key in the header.
pub(super) fn by_key(headers: &HeaderMap, revoked: bool) -> Result<(), Denied> {
    match headers.get("xi-api-key").map(|key| key.as_bytes()) {
        None | Some(b"") => Err(Denied::MissingKey),
        Some(key) if key == ELEVENLABS_KEY.as_bytes() && !revoked => Ok(()),
        Some(_) => Err(Denied::InvalidKey),
    }
}

/// Checks, and uses up, `token` if there is one, and else the key: with a token there is no
/// falling back to the key.
pub(super) fn by_token_or_key(
    sandbox: &Sandbox,
    token: Option<&str>,
    product: Product,
    headers: &HeaderMap,
    revoked: bool,
) -> Result<(), Denied> {
    match token {
        Some(token) => sandbox.tokens.redeem(token, product).map_err(Denied::Token),
        None => by_key(headers, revoked),
    }
}

impl Denied {
    /// The answer on a route that is not a socket.
    pub(super) fn answer(&self) -> Response {
        let (code, message) = match self {
            Self::MissingKey => ("missing_api_key", "An API key is required to use this endpoint."),
            Self::InvalidKey => ("invalid_api_key", "Invalid API key"),
            Self::Token(Refusal::Unknown) => ("unauthorized", "The single use token is invalid."),
            Self::Token(Refusal::WrongProduct) => {
                ("unauthorized", "The single use token is of another type.")
            }
            Self::Token(Refusal::Used) => {
                ("unauthorized", "The single use token has already been used.")
            }
            Self::Token(Refusal::Expired) => ("unauthorized", "The single use token has expired."),
        };
        refuse(StatusCode::UNAUTHORIZED, code, message)
    }
}
