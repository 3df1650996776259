//! Fetching the keys of an issuer (RFC 7517, section 5), directly or by way of its OpenID
//! configuration. Whatever answers there is believed nothing that it need not be.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Map, Value};
use url::Url;

use super::{jwks::DEADLINE, key::Key, token::MAX_DEPTH};
use crate::{
    base::strict_json::{NotStrict, object},
    outbound::{Client, Transport},
    settings::{Algorithm, is_loopback},
};

/// The most that is read of an answer, in bytes. Real sets have about 5 KiB.
const MAX_ANSWER: usize = 64 * 1024;

/// The most keys in a set. Real ones have two or three.
const MAX_KEYS: usize = 50;

/// Where a set of keys is found.
#[derive(PartialEq, Eq)]
pub(super) enum Source {
    /// At this URL.
    Jwks(Url),
    /// Where the configuration at `url` says, if it is the configuration of `issuer`.
    Discovery { issuer: String, url: Url },
}

impl Source {
    /// The source that an issuer names itself (OpenID Connect Discovery 1.0, section 4). The error
    /// is for the operator.
    pub(super) fn discovery(issuer: &str) -> Result<Self, String> {
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        let url = Url::parse(&format!("{base}/.well-known/openid-configuration")).ok();
        let plain = |url: &Url| url.query().is_none() && url.fragment().is_none();
        match url.filter(|url| plain(url) && is_safe(url, is_loopback(url))) {
            Some(url) => Ok(Self::Discovery { issuer: issuer.to_owned(), url }),
            None => Err("must be an https URL for discovery = true; \
                         or say where the keys are with jwks_url"
                .to_owned()),
        }
    }

    /// Where it is asked first.
    pub(super) const fn url(&self) -> &Url {
        match self {
            Self::Jwks(url) | Self::Discovery { url, .. } => url,
        }
    }

    /// The keys there that are for one of `algorithms`; at least one. The error is for the log.
    pub(super) async fn fetch(
        &self,
        http: &Client,
        algorithms: &[Algorithm],
    ) -> Result<Vec<Key>, String> {
        let set = match self {
            Self::Jwks(url) => get(http, url).await?,
            Self::Discovery { issuer, url } => {
                let keys = jwks_uri(&get(http, url).await?, issuer, is_loopback(url))?;
                let server = |url: &Url| (url.host_str().map(str::to_owned), url.port());
                match server(&keys) == server(url) {
                    true => get(http, &keys).await?,
                    false => get(&client(&keys)?, &keys).await?,
                }
            }
        };
        usable(&set, algorithms).map_err(str::to_owned)
    }
}

/// A client for the server of `url`.
///
/// # Errors
/// When it cannot be made; in words for the operator.
pub(super) fn client(url: &Url) -> Result<Client, String> {
    Transport::default().client(url, DEADLINE)
}

async fn get(http: &Client, url: &Url) -> Result<Map<String, Value>, String> {
    let accept = (header::ACCEPT, HeaderValue::from_static("application/json"));
    let reply = http.get(url.clone(), HeaderMap::from_iter([accept])).await;
    let reply = reply.map_err(|error| error.to_string())?;
    // A redirect as well: who may send us elsewhere is a question for the settings.
    if reply.status() != StatusCode::OK {
        return Err(format!("the answer has status {}", reply.status().as_u16()));
    }
    let body = reply.read_capped(MAX_ANSWER).await;
    let body = body.map_err(|error| format!("the answer cannot be used: {error}"))?;
    object(&body, "the answer", MAX_DEPTH).map_err(|why| match why {
        NotStrict::Syntax(_) => "the answer is not a JSON object".to_owned(),
        NotStrict::Rule(rule) => rule,
    })
}

/// Where the configuration of `issuer` says that the keys are.
fn jwks_uri(
    configuration: &Map<String, Value>,
    issuer: &str,
    is_local: bool,
) -> Result<Url, &'static str> {
    let text = |name: &str| configuration.get(name).and_then(Value::as_str);
    if text("issuer") != Some(issuer) {
        return Err("the OpenID configuration is another issuer's");
    }
    let url = text("jwks_uri").and_then(|url| Url::parse(url).ok());
    url.filter(|url| is_safe(url, is_local))
        .ok_or("the OpenID configuration has no jwks_uri with https")
}

pub(super) fn usable(
    set: &Map<String, Value>,
    algorithms: &[Algorithm],
) -> Result<Vec<Key>, &'static str> {
    let keys = set.get("keys").and_then(Value::as_array);
    let keys = keys.ok_or("the answer is not a set of keys")?;
    if keys.len() > MAX_KEYS {
        return Err("the set has more than 50 keys");
    }
    // A key that is not understood is no reason to refuse the others (RFC 7517, section 5).
    let keys = keys.iter().filter_map(|key| Key::jwk(key.as_object()?, algorithms));
    let keys: Vec<Key> = keys.collect();
    if keys.is_empty() { Err("the set has no key for the algorithms") } else { Ok(keys) }
}

/// Whether keys may be fetched from `url`: whoever can change them on their way can be anyone.
fn is_safe(url: &Url, is_local: bool) -> bool {
    let encrypted = match url.scheme() {
        "https" => true,
        "http" => is_local && is_loopback(url),
        _ => false,
    };
    encrypted && url.username().is_empty() && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_an_issuer_on_this_machine_may_have_its_keys_on_it_in_the_clear() {
        let found = |jwks_uri: &str, is_local| {
            let configuration = json!({"issuer": "https://i.example", "jwks_uri": jwks_uri});
            jwks_uri_of(configuration.as_object().unwrap(), is_local)
        };
        for is_local in [true, false] {
            assert!(found("https://keys.example/jwks", is_local));
            assert!(!found("http://keys.example/jwks", is_local));
            assert!(!found("http://127.0.0.1.keys.example/jwks", is_local));
            assert!(!found("https://user:password@keys.example/jwks", is_local));
            assert!(!found("ftp://127.0.0.1/jwks", is_local));
            assert!(!found("/jwks", is_local));
            for host in ["127.0.0.1", "[::1]", "localhost", "127.8.8.8:8080"] {
                assert_eq!(found(&format!("http://{host}/jwks"), is_local), is_local, "{host}");
            }
        }
    }

    fn jwks_uri_of(configuration: &Map<String, Value>, is_local: bool) -> bool {
        jwks_uri(configuration, "https://i.example", is_local).is_ok()
    }
}
