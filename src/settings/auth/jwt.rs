//! `[[auth.jwt]]`

use std::{collections::BTreeMap, path::PathBuf};

use config::Value;
use url::Url;

use crate::{
    base::secret::SecretRef,
    settings::{section::Section, value::FromSetting, words::words},
};

/// An issuer of JWTs, and what a JWT of its must be like.
#[derive(Clone, Debug)]
pub struct Jwt {
    /// The `iss` claim, exactly.
    pub issuer: String,
    /// What `audience_claim` must name, one of these at least.
    pub audience: Vec<String>,
    /// The claim that names whom a JWT is for; some issuers do not use `aud`.
    pub audience_claim: String,
    /// Where its keys come from.
    pub keys: KeySource,
    /// The signature algorithms that are accepted, of one family.
    pub algorithms: Vec<Algorithm>,
    /// The `typ` header, where it is to be checked, in lower case.
    pub typ: Option<String>,
    /// The claim that names the caller.
    pub caller: String,
    /// Claims that must be there, each with one of the values.
    pub require: BTreeMap<String, Vec<String>>,
}

/// Where an issuer's keys come from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// A set of keys at this URL.
    Jwks(Url),
    /// The set that the issuer's OpenID configuration names.
    Discovery,
    /// A secret that is shared with the issuer (HS256 and its like).
    Secret(SecretRef),
    /// A public key.
    Public(PublicKey),
}

/// Where a public key, in PEM, is.
#[derive(Clone, Debug)]
pub enum PublicKey {
    /// In this file.
    File(PathBuf),
    /// Here.
    Inline(String),
}

words! {
    /// A signature algorithm (RFC 7518, section 3.1; RFC 8037).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[expect(missing_docs, reason = "the names are the standard's")]
    pub enum Algorithm {
        HS256 = "HS256",
        HS384 = "HS384",
        HS512 = "HS512",
        RS256 = "RS256",
        RS384 = "RS384",
        RS512 = "RS512",
        PS256 = "PS256",
        PS384 = "PS384",
        PS512 = "PS512",
        ES256 = "ES256",
        ES384 = "ES384",
        EdDSA = "EdDSA",
    }
}

impl Algorithm {
    /// Whether its key is a secret that both sides have.
    pub fn is_symmetric(self) -> bool {
        matches!(self, Self::HS256 | Self::HS384 | Self::HS512)
    }
}

impl Jwt {
    pub(in crate::settings) fn read(section: &mut Section<'_>) -> Self {
        let issuer = section.get("issuer", Text(String::new())).0;
        let audience: Vec<Text> = section.get("audience", Vec::new());
        let audience_claim =
            section.optional("audience_claim").map_or("aud".to_owned(), |it: Text| it.0);
        let algorithms = section.get("algorithms", Vec::new());
        let keys = Self::keys(section);
        Self {
            issuer,
            audience: audience.into_iter().map(|it| it.0).collect(),
            audience_claim,
            keys,
            algorithms,
            typ: section.optional("typ").map(|it: Text| it.0.to_ascii_lowercase()),
            caller: section.optional("caller").map_or("sub".to_owned(), |it: Text| it.0),
            require: section.lists("require"),
        }
    }

    fn keys(section: &mut Section<'_>) -> KeySource {
        let jwks = section.optional("jwks_url").map(|it: HttpUrl| KeySource::Jwks(it.0));
        let discovery = section.optional("discovery").filter(|on: &bool| *on);
        let secret = section.optional("secret").map(KeySource::Secret);
        let public = section.optional("public_key").map(KeySource::Public);
        let given = ["jwks_url", "discovery", "secret", "public_key"];
        let given = given.iter().filter(|key| section.has(key)).count();
        if given != 1 {
            section.problem(
                "jwks_url",
                "needs exactly one of jwks_url, discovery = true, secret and public_key",
            );
        }
        let discovery = discovery.map(|_| KeySource::Discovery);
        jwks.or(discovery).or(secret).or(public).unwrap_or(KeySource::Discovery)
    }
}

/// Text that is not empty.
struct Text(String);

impl FromSetting for Text {
    fn from_setting(value: &Value) -> Result<Self, String> {
        match String::from_setting(value)? {
            text if text.is_empty() => Err("must not be empty".to_owned()),
            text => Ok(Self(text)),
        }
    }
}

/// A URL that is fetched from: `https`, or `http` where nobody is in between.
struct HttpUrl(Url);

impl FromSetting for HttpUrl {
    fn from_setting(value: &Value) -> Result<Self, String> {
        let expected = "expected a URL such as \"https://login.example/.well-known/jwks.json\"";
        let text = String::from_setting(value).map_err(|_| expected.to_owned())?;
        let url = Url::parse(&text).map_err(|_| expected.to_owned())?;
        match url.scheme() {
            "https" | "http" if !url.username().is_empty() || url.password().is_some() => {
                Err("must not hold a user name or a password".to_owned())
            }
            "https" => Ok(Self(url)),
            "http" if crate::settings::is_loopback(&url) => Ok(Self(url)),
            "http" => Err("must be https: whoever can change these keys on their way can be \
                           anyone (plain http is for loopback addresses only)"
                .to_owned()),
            _ => Err(expected.to_owned()),
        }
    }
}

impl FromSetting for PublicKey {
    fn from_setting(value: &Value) -> Result<Self, String> {
        let text = String::from_setting(value).unwrap_or_default();
        match text.strip_prefix("file:") {
            Some(path) if !path.is_empty() => Ok(Self::File(PathBuf::from(path))),
            None if text.trim_start().starts_with("-----BEGIN ") => Ok(Self::Inline(text)),
            _ => Err("expected \"file:/path\", or the PEM itself: \"-----BEGIN PUBLIC KEY-----…\""
                .to_owned()),
        }
    }
}
