//! What is vended: token types, what is asked for, what is decided, what was minted, and how a
//! browser uses it. Knows no provider by name and no HTTP.

use std::{fmt, sync::Arc};

use url::{Url, form_urlencoded};

use crate::base::secret::Secret;

/// The name of a token type or of a provider instance, cheap to copy.
pub type Name = Arc<str>;

/// A kind of token that this server vends, as configured.
#[derive(Debug)]
pub struct TokenType {
    /// The name in the route: `POST /tokens/{name}`.
    pub name: Name,
    /// The provider instance that mints it.
    pub provider: Name,
    /// What it is at the provider.
    pub product: &'static str,
    /// How long it lives.
    pub ttl: Ttl,
    /// Whether the provider takes it once only.
    pub single_use: bool,
    /// The provider's own shape of an answer.
    pub shape: Shape,
    /// How a client presents it.
    pub connect: Connect,
    /// Body fields that clients send along and that change nothing here.
    pub ignored_fields: Vec<String>,
    /// Whether its provider has a key.
    pub enabled: bool,
}

/// The lifetime of a token type's tokens, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ttl {
    /// The provider decides; a caller cannot ask for another.
    Fixed(u32),
    /// A caller may ask for any within the bounds, both included.
    Within {
        /// The shortest.
        min: u32,
        /// What a caller gets who does not ask.
        default: u32,
        /// The longest.
        max: u32,
    },
}

impl Ttl {
    /// The one that a caller gets who does not ask for another.
    pub fn default(self) -> u32 {
        match self {
            Self::Fixed(seconds) | Self::Within { default: seconds, .. } => seconds,
        }
    }

    /// Those of the lifetimes that are no longer than `most` seconds; `None` if none is.
    pub fn at_most(self, most: u32) -> Option<Self> {
        match self {
            Self::Fixed(seconds) => (seconds <= most).then_some(self),
            Self::Within { min, default, max } => (min <= most).then(|| Self::Within {
                min,
                default: default.min(most),
                max: max.min(most),
            }),
        }
    }
}

/// The shapes in which providers themselves answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `{"value", "expires_at"}`
    ClientSecret,
    /// `{"token"}`
    SingleUseToken,
}

/// What a caller asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MintRequest {
    /// The lifetime in seconds; `None` for the type's default.
    pub ttl: Option<u64>,
    /// The body's other fields, for the token type to accept or refuse.
    pub other_fields: Vec<String>,
}

/// What was decided to mint. Names no caller: equal specs mean interchangeable tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MintSpec {
    /// The provider instance.
    pub provider: Name,
    /// What it is at the provider.
    pub product: &'static str,
    /// How long the token will live, in seconds.
    pub ttl: u32,
}

/// A token fresh from the provider.
#[derive(Debug)]
pub struct Minted {
    /// The token.
    pub token: Secret,
    /// When it stops working, in Unix seconds.
    pub expires_at: u64,
}

/// How a client presents a token: everything but the token itself is known beforehand.
#[derive(Clone, Debug)]
pub struct Connect {
    url: String,
    place: Place,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Query { socket: bool },
    Subprotocol(&'static str),
}

impl Connect {
    /// A WebSocket that takes the token as the query parameter `name`.
    pub fn socket_query(base: &Url, name: &str) -> Self {
        Self { url: ending_in(socket_scheme(base), name), place: Place::Query { socket: true } }
    }

    /// A WebSocket that takes the token as a subprotocol, after `prefix`.
    pub fn socket_subprotocol(base: &Url, prefix: &'static str) -> Self {
        Self { url: socket_scheme(base).into(), place: Place::Subprotocol(prefix) }
    }

    /// An HTTP request that takes the token as the query parameter `name`.
    pub fn http_query(base: &Url, name: &str) -> Self {
        Self { url: ending_in(base.clone(), name), place: Place::Query { socket: false } }
    }

    /// The URL for `token`.
    pub fn url(&self, token: &str) -> String {
        match self.place {
            Place::Subprotocol(_) => self.url.clone(),
            Place::Query { .. } => {
                let encoded = form_urlencoded::byte_serialize(token.as_bytes());
                self.url.chars().chain(encoded.flat_map(str::chars)).collect()
            }
        }
    }

    /// The WebSocket subprotocols for `token`; `None` where there is no WebSocket.
    pub fn protocols(&self, token: &str) -> Option<Vec<String>> {
        match self.place {
            Place::Subprotocol(prefix) => Some(vec![format!("{prefix}{token}")]),
            Place::Query { socket } => socket.then(Vec::new),
        }
    }
}

impl fmt::Display for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

fn socket_scheme(base: &Url) -> Url {
    let mut url = base.clone();
    let scheme = if base.scheme() == "http" { "ws" } else { "wss" };
    // Cannot fail: all four schemes are of the kind that has a host.
    let _ = url.set_scheme(scheme);
    url
}

/// `url` with `name=` at the very end, so that the encoded token only needs to be appended.
fn ending_in(mut url: Url, name: &str) -> String {
    url.query_pairs_mut().append_pair(name, "");
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_a_query_is_encoded_and_last() {
        let base = Url::parse("https://api.example/v1/listen?model=a%20b").unwrap();
        let connect = Connect::socket_query(&base, "token");
        assert_eq!(connect.url("t&=1"), "wss://api.example/v1/listen?model=a%20b&token=t%26%3D1");
        assert_eq!(connect.protocols("t"), Some(vec![]));
    }

    #[test]
    fn a_token_in_a_subprotocol_stays_out_of_the_url() {
        let base = Url::parse("http://127.0.0.1:9000/v1/realtime").unwrap();
        let connect = Connect::socket_subprotocol(&base, "secret.");
        assert_eq!(connect.url("t"), "ws://127.0.0.1:9000/v1/realtime");
        assert_eq!(connect.protocols("t"), Some(vec!["secret.t".to_owned()]));
    }

    #[test]
    fn an_upload_has_no_protocols() {
        let base = Url::parse("https://api.example/v1/upload").unwrap();
        let connect = Connect::http_query(&base, "token");
        assert_eq!(connect.url("t"), "https://api.example/v1/upload?token=t");
        assert_eq!(connect.protocols("t"), None);
    }
}
