//! The tokens the stand-ins have minted: for which product, until when, used or not.

use std::{
    collections::{HashMap, VecDeque},
    sync::Mutex,
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::lock::lock;

/// Tokens remembered at most; the oldest are forgotten first.
const CAPACITY: usize = 100_000;

/// How long an expired token is remembered, so that it is refused as expired, not as unknown.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// What a token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Product {
    XaiRealtime,
    RealtimeScribe,
    BatchScribe,
    TtsWebsocket,
}

impl Product {
    /// The ElevenLabs product with the given `token_type`.
    pub(crate) fn of_token_type(name: &str) -> Option<Self> {
        match name {
            "realtime_scribe" => Some(Self::RealtimeScribe),
            "batch_scribe" => Some(Self::BatchScribe),
            "tts_websocket" => Some(Self::TtsWebsocket),
            _ => None,
        }
    }

    fn single_use(self) -> bool {
        self != Self::XaiRealtime
    }

    /// A new token: only characters that may stand in a header and in a query as they are.
    fn new_value(self) -> String {
        let random = || Uuid::new_v4().simple().to_string();
        if self.single_use() {
            return format!("sutkn_sandbox_{}", random());
        }
        // xAI's are 107 characters long; a client with a shorter buffer should find out here.
        let tail: String = [random(), random(), random()].concat().chars().take(72).collect();
        format!("xai-realtime-client-secret-sandbox-{tail}")
    }
}

/// Why a token opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Never minted, or forgotten long after it expired.
    Unknown,
    /// Minted for another product; the attempt does not use it up.
    WrongProduct,
    /// A single-use token that was used before.
    Used,
    /// Past its lifetime.
    Expired,
}

struct Token {
    product: Product,
    expires: Instant,
    used: bool,
}

/// All tokens, by value.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<Store>);

#[derive(Default)]
struct Store {
    by_value: HashMap<String, Token>,
    oldest_first: VecDeque<String>,
    /// How many there ever were.
    minted: u64,
}

impl Tokens {
    /// Makes a token for `product` that lives for `lifetime`.
    pub(crate) fn mint(&self, product: Product, lifetime: Duration) -> String {
        let value = product.new_value();
        let now = Instant::now();
        let mut store = lock(&self.0);
        store.prune(now);
        store.minted += 1;
        store.oldest_first.push_back(value.clone());
        let token = Token { product, expires: now + lifetime, used: false };
        store.by_value.insert(value.clone(), token);
        value
    }

    /// Uses `value` to open `product`; a single-use token is spent by it.
    pub(crate) fn redeem(&self, value: &str, product: Product) -> Result<(), Refusal> {
        let mut store = lock(&self.0);
        let token = store.by_value.get_mut(value).ok_or(Refusal::Unknown)?;
        if token.product != product {
            return Err(Refusal::WrongProduct);
        }
        if token.used {
            return Err(Refusal::Used);
        }
        if token.expires <= Instant::now() {
            return Err(Refusal::Expired);
        }
        token.used = product.single_use();
        Ok(())
    }

    /// Whether `value` was minted here.
    pub(crate) fn knows(&self, value: &str) -> bool {
        lock(&self.0).by_value.contains_key(value)
    }

    /// How many were minted so far.
    pub(crate) fn minted(&self) -> u64 {
        lock(&self.0).minted
    }

    /// Makes every token minted so far expire now; returns how many there are.
    pub(crate) fn expire_all(&self) -> usize {
        let now = Instant::now();
        let mut store = lock(&self.0);
        for token in store.by_value.values_mut() {
            token.expires = token.expires.min(now);
        }
        store.by_value.len()
    }
}

impl Store {
    /// Forgets what expired long ago, and the oldest when there are too many.
    fn prune(&mut self, now: Instant) {
        while let Some(oldest) = self.oldest_first.front() {
            let stale = self.by_value.get(oldest).is_none_or(|t| t.expires + REMEMBERED <= now);
            if !stale && self.by_value.len() < CAPACITY {
                return;
            }
            self.by_value.remove(oldest);
            self.oldest_first.pop_front();
        }
    }
}
