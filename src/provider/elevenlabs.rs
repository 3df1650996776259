//! ElevenLabs: single-use tokens.
//!
//! Source: <https://elevenlabs.io/docs/api-reference/tokens/create> and
//! <https://elevenlabs.io/docs/eleven-api/resources/errors>.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderName;
use serde_json::Value;
use url::Url;

use super::{
    Adapter, Invalid, Lifetime, Product, Provider, ProviderError, Refusal, answer,
    upstream::{Answer, Upstream, join},
};
use crate::{
    base::{clock::Clock, secret::Secret},
    outbound::PreparedPost,
    token::{Connect, MintSpec, Minted, Shape},
};

/// How long a token lives, in seconds. Answers carry no expiry; the documentation says 15 minutes.
const LIFETIME: u32 = 900;

pub(super) const ADAPTER: Adapter = Adapter {
    kind: "elevenlabs",
    products: PRODUCTS,
    open: |key, upstream, clock| Ok(Arc::new(ElevenLabs::new(key, upstream, clock)?)),
};

/// What all products share.
const PRODUCT: Product = Product {
    name: "",
    lifetime: Lifetime::Fixed(LIFETIME),
    single_use: true,
    shape: Shape::SingleUseToken,
    path_parameters: &[],
    connect: realtime_scribe,
};

const PRODUCTS: &[Product] = &[
    Product { name: "realtime_scribe", connect: realtime_scribe, ..PRODUCT },
    Product { name: "batch_scribe", connect: batch_scribe, ..PRODUCT },
    Product {
        name: "tts_websocket",
        path_parameters: &["voice_id"],
        connect: tts_websocket,
        ..PRODUCT
    },
];

struct ElevenLabs {
    upstream: Upstream,
    /// By product.
    posts: Vec<(&'static str, PreparedPost)>,
    clock: Clock,
}

impl ElevenLabs {
    fn new(key: &Secret, upstream: Upstream, clock: Clock) -> Result<Self, String> {
        let headers = [(HeaderName::from_static("xi-api-key"), answer::sensitive(key.expose())?)];
        let post = |&Product { name, .. }: &Product| {
            (name, upstream.post(&["v1", "single-use-token", name], headers.clone()))
        };
        let posts = PRODUCTS.iter().map(post).collect();
        Ok(Self { upstream, posts, clock })
    }
}

#[async_trait]
impl Provider for ElevenLabs {
    async fn mint(&self, spec: &MintSpec) -> Result<Minted, ProviderError> {
        let post = self.posts.iter().find(|(product, _)| *product == spec.product);
        // There is one for each product.
        let unknown = ProviderError::Refused { refusal: Refusal::Request, status: 404 };
        let (_, post) = post.ok_or(unknown)?;
        // A lifetime counted from before asking never claims too much.
        let asked = self.clock.unix();
        read(&self.upstream.call(post, Bytes::new(), &self.clock).await?, asked)
    }
}

fn realtime_scribe(base: Url, parameters: &BTreeMap<String, String>) -> Connect {
    let mut url = join(&base, &["v1", "speech-to-text", "realtime"]);
    answer::add_query(&mut url, parameters);
    Connect::socket_query(&url, "token")
}

fn batch_scribe(base: Url, parameters: &BTreeMap<String, String>) -> Connect {
    let mut url = join(&base, &["v1", "speech-to-text"]);
    answer::add_query(&mut url, parameters);
    Connect::http_query(&url, "token")
}

fn tts_websocket(base: Url, parameters: &BTreeMap<String, String>) -> Connect {
    let voice = parameters.get("voice_id").map_or("", String::as_str);
    let mut url = join(&base, &["v1", "text-to-speech", voice, "stream-input"]);
    answer::add_query(&mut url, parameters.iter().filter(|(name, _)| *name != "voice_id"));
    Connect::socket_query(&url, "single_use_token")
}

pub(super) fn read(answer: &Answer, asked: u64) -> Result<Minted, ProviderError> {
    if !(200..300).contains(&answer.status) {
        return Err(refuse(answer));
    }
    let body = answer::object(answer).ok_or(Invalid::NotJson)?;
    let token = body.get("token").and_then(Value::as_str).ok_or(Invalid::NotJson)?;
    Ok(Minted { token: answer::query_token(token)?, expires_at: asked + u64::from(LIFETIME) })
}

/// `detail` is an object today; a list for what fails validation; was a string; and a proxy in
/// between may send no JSON at all. Only the object has anything to classify by: `code`, and `status`,
/// which is what `code` was called before. Answers have either or both, and then differ.
fn refuse(answer: &Answer) -> ProviderError {
    let body = answer::object(answer).unwrap_or_default();
    let detail = body.get("detail").and_then(Value::as_object);
    let named = |field: &str| detail?.get(field)?.as_str().and_then(by_code);
    let named = named("status").or_else(|| named("code"));
    let refusal = named.unwrap_or(match answer.status {
        401 => Refusal::Key,
        402 => Refusal::Credit,
        403 => Refusal::Permission,
        _ => Refusal::Request,
    });
    // No credit stays so however long one waits, even when it comes as a 429.
    match (answer.status, named) {
        (429, Some(Refusal::Credit)) => ProviderError::Refused { refusal, status: answer.status },
        _ => answer::refuse(answer, refusal),
    }
}

/// A key without the scope is a 401 here, and so was a used-up quota: the codes tell them apart.
fn by_code(code: &str) -> Option<Refusal> {
    match code {
        "invalid_api_key"
        | "missing_api_key"
        | "invalid_authorization_header"
        | "sign_in_required" => Some(Refusal::Key),
        "quota_exceeded" | "insufficient_credits" => Some(Refusal::Credit),
        "missing_permissions"
        | "insufficient_permissions"
        | "forbidden"
        | "workspace_access_denied"
        | "feature_not_available"
        | "subscription_required" => Some(Refusal::Permission),
        _ => None,
    }
}
