//! xAI: client secrets for the Voice Agent API.
//!
//! Source: <https://docs.x.ai/developers/rest-api-reference/inference/voice> and
//! <https://docs.x.ai/developers/model-capabilities/audio/ephemeral-tokens>.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use serde::Deserialize;
use url::Url;

use super::{
    Account, Adapter, Invalid, Lifetime, Product, Provider, ProviderError, Refusal,
    answer::{self, Seconds},
    upstream::{Answer, Upstream, join},
};
use crate::{
    clock::Clock,
    token::{Connect, MintSpec, Minted, Shape},
};

/// The longest lifetime, in seconds.
const LONGEST: u32 = 3600;

pub(super) const ADAPTER: Adapter = Adapter {
    kind: "xai",
    products: PRODUCTS,
    open: |account, upstream, clock| Ok(Arc::new(Xai::new(account, upstream, clock)?)),
};

const PRODUCTS: &[Product] = &[Product {
    name: "realtime",
    lifetime: Lifetime::Within { min: 1, max: LONGEST },
    single_use: false,
    shape: Shape::ClientSecret,
    reserved: &[],
    required: &[],
    connect,
}];

struct Xai {
    upstream: Upstream,
    authorization: HeaderValue,
    clock: Clock,
}

impl Xai {
    fn new(account: &Account, upstream: Upstream, clock: Clock) -> Result<Self, String> {
        let authorization = answer::sensitive(&format!("Bearer {}", account.key.expose()))?;
        Ok(Self { upstream, authorization, clock })
    }
}

#[async_trait]
impl Provider for Xai {
    async fn mint(&self, spec: &MintSpec) -> Result<Minted, ProviderError> {
        let request = self
            .upstream
            .post(&["v1", "realtime", "client_secrets"])
            .header(AUTHORIZATION, &self.authorization)
            .json(&serde_json::json!({ "expires_after": { "seconds": spec.ttl } }));
        // Taken before asking: a lifetime counted from here never claims too much.
        let asked = self.clock.unix();
        read(&Upstream::call(request, &self.clock).await?, spec, asked)
    }
}

fn connect(base: Url, parameters: &BTreeMap<String, String>) -> Connect {
    let mut url = join(&base, &["v1", "realtime"]);
    answer::add_query(&mut url, parameters);
    Connect::socket_subprotocol(&url, "xai-client-secret.")
}

/// The documented answer, and the nested one of OpenAI's beta, which some gateways still speak.
#[derive(Deserialize)]
#[serde(untagged)]
enum Success {
    Nested { client_secret: ClientSecret },
    Flat(ClientSecret),
}

#[derive(Deserialize)]
struct ClientSecret {
    value: String,
    expires_at: Option<Seconds>,
}

fn read(answer: &Answer, spec: &MintSpec, now: u64) -> Result<Minted, ProviderError> {
    if !(200..300).contains(&answer.status) {
        return Err(refuse(answer));
    }
    let (Success::Nested { client_secret } | Success::Flat(client_secret)) =
        serde_json::from_slice(&answer.body).map_err(|_| Invalid::NotJson)?;
    let expires_at = client_secret.expires_at.map_or(now + u64::from(spec.ttl), Seconds::unix);
    Ok(Minted {
        token: answer::subprotocol_token(client_secret.value)?,
        expires_at: answer::expiry(expires_at, LONGEST, now)?,
    })
}

/// `{"code", "error"}`; `error` is prose and holds fragments of the key.
#[derive(Deserialize)]
struct Failure {
    code: String,
}

/// A wrong key is a 400 here and no credit a 403, see <https://docs.x.ai/developers/debugging>. Their
/// codes are those of a wrong request and of a missing permission; only the prose differs.
fn refuse(answer: &Answer) -> ProviderError {
    let failure = serde_json::from_slice(&answer.body);
    let code = failure.map_or(String::new(), |failure: Failure| failure.code);
    let refusal = match (answer.status, code.as_str()) {
        (_, "unauthenticated:bad-credentials" | "unauthenticated:no-credentials") => Refusal::Key,
        (400, _) => Refusal::KeyOrRequest,
        (401, _) => Refusal::Key,
        (402, _) => Refusal::Credit,
        (403, _) => Refusal::CreditOrPermission,
        _ => Refusal::Request,
    };
    answer::refuse(answer, refusal)
}
