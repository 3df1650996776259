//! A JWT taken apart, nothing of it verified yet. Whatever is not exactly a signed JWT in its
//! compact form (RFC 7515, section 3.1) ends here.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::Rejected;
use crate::{base::strict_json, settings::Algorithm};

/// The longest token that is looked at, in bytes. Those with many roles have 2 KiB.
const MAX_TOKEN: usize = 8 * 1024;

/// The longest `kid`, in bytes. A SHA-256 in hex has 64.
const MAX_KID: usize = 128;

/// How deep objects and arrays may lie in each other in a header, in claims or in a set of keys.
pub(super) const MAX_DEPTH: usize = 64;

/// Headers that change what a token means. No issuer needs them, and who reads past them reads
/// something else than was signed: `crit` (RFC 7515, section 4.1.11), `b64` (RFC 7797), and those
/// of encrypted tokens.
const UNBEARABLE: [&str; 4] = ["crit", "b64", "zip", "enc"];

/// The parts of a token.
pub(super) struct Token<'a> {
    header: &'a str,
    claims: &'a str,
    /// What was signed.
    pub(super) message: &'a str,
    /// In base64.
    pub(super) signature: &'a str,
}

/// What a token's header says that matters. `jku`, `jwk`, `x5u` and `x5c` are not among it: where a
/// token's key comes from is for the settings to say, not for the token.
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    pub(super) typ: Option<String>,
    pub(super) kid: Option<String>,
}

impl<'a> Token<'a> {
    /// Finds the parts, of which there must be three.
    pub(super) fn split(token: &'a str) -> Result<Self, Rejected> {
        if token.len() > MAX_TOKEN {
            return Err(Rejected::Wrong("the token is longer than 8 KiB"));
        }
        let parts = || {
            let (message, signature) = token.rsplit_once('.')?;
            let (header, claims) = message.split_once('.')?;
            (!claims.contains('.')).then_some(Self { header, claims, message, signature })
        };
        parts().ok_or(Rejected::Wrong("the token has not three parts"))
    }

    /// The header.
    pub(super) fn header(&self) -> Result<Header, Rejected> {
        let header = object(self.header);
        let header = header.ok_or(Rejected::Wrong("the header is not a JSON object"))?;
        if UNBEARABLE.iter().any(|name| header.contains_key(*name)) {
            return Err(Rejected::Wrong("the header has crit, b64, zip or enc"));
        }
        let algorithm = header.get("alg").and_then(Value::as_str);
        let algorithm = Algorithm::ALL
            .iter()
            .copied()
            .find(|known| algorithm.is_some_and(|it| it == known.name()));
        let kid = text(&header, "kid")?;
        if kid.as_deref().is_some_and(|kid| !is_kid(kid)) {
            return Err(Rejected::Wrong("the kid is not short visible ASCII"));
        }
        Ok(Header {
            algorithm: algorithm.ok_or(Rejected::Wrong("the algorithm is none of ours"))?,
            typ: text(&header, "typ")?,
            kid,
        })
    }

    /// The claims. Before the signature is verified they are anyone's words.
    pub(super) fn claims(&self) -> Result<Map<String, Value>, Rejected> {
        object(self.claims).ok_or(Rejected::Wrong("the claims are not a JSON object"))
    }
}

/// Whether `kid` can be the name of a key.
pub(super) fn is_kid(kid: &str) -> bool {
    (1..=MAX_KID).contains(&kid.len()) && kid.bytes().all(|byte| byte.is_ascii_graphic())
}

fn object(part: &str) -> Option<Map<String, Value>> {
    strict_json::object(&URL_SAFE_NO_PAD.decode(part).ok()?, "it", MAX_DEPTH).ok()
}

fn text(header: &Map<String, Value>, name: &str) -> Result<Option<String>, Rejected> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Rejected::Wrong("typ or kid is not text")),
    }
}
