//! [`vend`]: the whole service in one function.

use std::time::{Duration, Instant};

use crate::{
    app::Live,
    error::Error,
    policy,
    token::{MintRequest, Minted, TokenType},
};

/// What came of a request, for the answer and for the log.
#[derive(Debug)]
pub struct Vending<'a> {
    /// The token type, if there is one of the name.
    pub token_type: Option<&'a TokenType>,
    /// How long the provider took, if it was asked.
    pub upstream: Option<Duration>,
    /// The token, or why there is none.
    pub result: Result<Vended<'a>, Error>,
}

/// A token and what it is.
#[derive(Debug)]
pub struct Vended<'a> {
    /// The token's type.
    pub token_type: &'a TokenType,
    /// The token.
    pub minted: Minted,
}

/// Vends a token of the type `name` as asked for in `request`.
pub async fn vend<'a>(live: &'a Live, name: &str, request: &MintRequest) -> Vending<'a> {
    let Some(token_type) = live.tokens.get(name) else {
        let known = live.tokens.keys().map(ToString::to_string).collect();
        let result = Err(Error::UnknownTokenType { known });
        return Vending { token_type: None, upstream: None, result };
    };
    let refused =
        |error| Vending { token_type: Some(token_type), upstream: None, result: Err(error) };
    let grant = match policy::decide(token_type, request) {
        Ok(grant) => grant,
        Err(denied) => return refused(denied.into()),
    };
    let asked = Instant::now();
    let Some(minted) = live.providers.mint(&grant).await else { return refused(Error::Disabled) };
    let upstream = Some(asked.elapsed());
    let result = minted.map(|minted| Vended { token_type, minted }).map_err(Error::from);
    Vending { token_type: Some(token_type), upstream, result }
}
