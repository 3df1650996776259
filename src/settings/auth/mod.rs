//! `[auth]`

mod forward;
mod jwt;
mod key;

pub use forward::{CallerFrom, Forward};
pub use jwt::{Algorithm, Jwt, KeySource, PublicKey};
pub use key::{CallerKey, KeyId};

use config::Value;
use http::HeaderName;

use super::{section::Section, value::FromSetting};

/// Who may ask.
#[derive(Clone, Debug)]
pub struct Auth {
    /// Anyone who can reach the server.
    pub anonymous: bool,
    /// Who has one of these keys.
    pub keys: Vec<CallerKey>,
    /// Who has a JWT of one of these issuers.
    pub jwt: Vec<Jwt>,
    /// Whom the application vouches for.
    pub forward: Option<Forward>,
    /// Whom a trusted proxy names in this header.
    pub proxy_header: Option<HeaderName>,
}

impl Auth {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            anonymous: section.get("anonymous", false),
            keys: section.list("keys", CallerKey::read),
            jwt: section.list("jwt", Jwt::read),
            forward: section.section("forward", Forward::read),
            proxy_header: section.get("proxy_header", None),
        }
    }

    /// Whether there is a way to know a caller.
    pub fn knows_callers(&self) -> bool {
        !self.keys.is_empty()
            || !self.jwt.is_empty()
            || self.forward.is_some()
            || self.proxy_header.is_some()
    }
}

/// A header's name, or `"off"`.
impl FromSetting for Option<HeaderName> {
    fn from_setting(value: &Value) -> Result<Self, String> {
        let expected =
            || "expected a header's name such as \"X-Forwarded-User\", or \"off\"".to_owned();
        let text = String::from_setting(value).map_err(|_| expected())?;
        if text == "off" {
            return Ok(None);
        }
        let name: HeaderName = text.parse().map_err(|_| expected())?;
        // These say something else, and anyone may send them.
        let others = ["authorization", "cookie", "host", "origin", "x-forwarded-for", "forwarded"];
        if others.contains(&name.as_str()) { Err(expected()) } else { Ok(Some(name)) }
    }
}
