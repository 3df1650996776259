//! The shapes of tokens and token types as JSON: our own, which `valetkey mint` prints too, and the
//! providers'.

use serde::Serialize;

use crate::{
    token::{TokenType, Ttl},
    vending::Vended,
};

/// A token, with all that a client needs to use it.
#[derive(Debug, Serialize)]
pub struct Token<'a> {
    #[serde(rename = "type")]
    name: &'a str,
    provider: &'a str,
    token: &'a str,
    /// Unix seconds.
    expires_at: u64,
    /// Seconds from now, for a client whose clock is wrong.
    expires_in: u64,
    single_use: bool,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocols: Option<Vec<String>>,
}

impl<'a> Token<'a> {
    /// The shape of `vended` at `now`, in Unix seconds.
    pub fn new(vended: &'a Vended<'_>, now: u64) -> Self {
        let (token_type, minted) = (vended.token_type, &vended.minted);
        let token = minted.token.expose();
        Self {
            name: &token_type.name,
            provider: &token_type.provider,
            token,
            expires_at: minted.expires_at,
            expires_in: minted.expires_at.saturating_sub(now),
            single_use: token_type.single_use,
            url: token_type.connect.url(token),
            protocols: token_type.connect.protocols(token),
        }
    }
}

/// A token as xAI and OpenAI shape it.
#[derive(Debug, Serialize)]
pub struct ClientSecret<'a> {
    /// The token.
    pub value: &'a str,
    /// Unix seconds.
    pub expires_at: u64,
}

/// A token as ElevenLabs shapes it.
#[derive(Debug, Serialize)]
pub struct SingleUseToken<'a> {
    /// The token.
    pub token: &'a str,
}

/// A token type, as a caller may know it.
#[derive(Debug, Serialize)]
pub struct Listed<'a> {
    #[serde(rename = "type")]
    name: &'a str,
    provider: &'a str,
    ttl: Bounds,
    single_use: bool,
}

/// Lifetimes in seconds.
#[derive(Debug, Serialize)]
struct Bounds {
    min: u32,
    default: u32,
    max: u32,
}

impl<'a> Listed<'a> {
    /// What a caller may know of `token_type`, who can have it with the lifetimes `ttl`.
    pub fn new(token_type: &'a TokenType, ttl: Ttl) -> Self {
        let ttl = match ttl {
            Ttl::Fixed(seconds) => Bounds { min: seconds, default: seconds, max: seconds },
            Ttl::Within { min, default, max } => Bounds { min, default, max },
        };
        Self {
            name: &token_type.name,
            provider: &token_type.provider,
            ttl,
            single_use: token_type.single_use,
        }
    }
}
