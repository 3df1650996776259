//! xAI: client secrets for the Voice Agent API.
//!
//! Source: <https://docs.x.ai/developers/rest-api-reference/inference/voice> and
//! <https://docs.x.ai/developers/model-capabilities/audio/ephemeral-tokens>.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use http::{
    HeaderValue,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
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

pub(super) const ADAPTER: Adapter = Adapter {
    kind: "xai",
    products: PRODUCTS,
    open: |key, upstream, clock| Ok(Arc::new(Xai::new(key, upstream, clock)?)),
};

const PRODUCTS: &[Product] = &[Product {
    name: "realtime",
    lifetime: Lifetime::Within { min: 1, max: 3600 },
    single_use: false,
    shape: Shape::ClientSecret,
    path_parameters: &[],
    connect,
}];

struct Xai {
    upstream: Upstream,
    post: PreparedPost,
    clock: Clock,
}

impl Xai {
    fn new(key: &Secret, upstream: Upstream, clock: Clock) -> Result<Self, String> {
        let authorization = answer::sensitive(&format!("Bearer {}", key.expose()))?;
        let json = HeaderValue::from_static("application/json");
        let headers = [(AUTHORIZATION, authorization), (CONTENT_TYPE, json)];
        let post = upstream.post(&["v1", "realtime", "client_secrets"], headers);
        Ok(Self { upstream, post, clock })
    }
}

#[async_trait]
impl Provider for Xai {
    async fn mint(&self, spec: &MintSpec) -> Result<Minted, ProviderError> {
        let body = format!("{{\"expires_after\":{{\"seconds\":{}}}}}", spec.ttl);
        // A lifetime counted from before asking never claims too much.
        let asked = self.clock.unix();
        let answer = self.upstream.call(&self.post, body.into(), &self.clock).await?;
        read(&answer, spec, asked, self.clock.unix())
    }
}

fn connect(base: Url, parameters: &BTreeMap<String, String>) -> Connect {
    let mut url = join(&base, &["v1", "realtime"]);
    answer::add_query(&mut url, parameters);
    Connect::socket_subprotocol(&url, "xai-client-secret.")
}

/// `{"value", "expires_at"}`, or the same inside `client_secret`, as OpenAI's beta had it and some
/// gateways still have.
pub(super) fn read(
    answer: &Answer,
    spec: &MintSpec,
    asked: u64,
    answered: u64,
) -> Result<Minted, ProviderError> {
    if !(200..300).contains(&answer.status) {
        return Err(refuse(answer));
    }
    let body = answer::object(answer).ok_or(Invalid::NotJson)?;
    let secret = match body.get("client_secret") {
        Some(nested) => nested.as_object().ok_or(Invalid::NotJson)?,
        None => &body,
    };
    let token = secret.get("value").and_then(Value::as_str).ok_or(Invalid::NotJson)?;
    let expires_at = match secret.get("expires_at") {
        None | Some(Value::Null) => asked + u64::from(spec.ttl),
        Some(time) => answer::unix(time).ok_or(Invalid::NotJson)?,
    };
    let possible = answer::possible_expiry(asked, answered, spec.ttl);
    if !possible.contains(&expires_at) {
        return Err(Invalid::Expiry.into());
    }
    Ok(Minted { token: answer::subprotocol_token(token)?, expires_at })
}

/// A wrong key is a 400 here and no credit a 403, see <https://docs.x.ai/developers/debugging>. Their
/// codes are those of a wrong request and of a missing permission; only the prose differs.
fn refuse(answer: &Answer) -> ProviderError {
    let body = answer::object(answer).unwrap_or_default();
    let code = body.get("code").and_then(Value::as_str).unwrap_or_default();
    let refusal = match (answer.status, code) {
        (_, "unauthenticated:bad-credentials" | "unauthenticated:no-credentials") => Refusal::Key,
        (400, _) => Refusal::KeyOrRequest,
        (401, _) => Refusal::Key,
        (402, _) => Refusal::Credit,
        (403, _) => Refusal::CreditOrPermission,
        _ => Refusal::Request,
    };
    answer::refuse(answer, refusal)
}
