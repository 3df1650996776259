//! An app as the server has it, with providers that answer at once, for every benchmark that needs one.

use std::{
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use valetkey::{
    app::{App, Ingredients, Live},
    base::{clock::Clock, secret::Secret},
    metrics::Metrics,
    provider::{Account, Instance, PoolTerms, Provider, ProviderError, Providers},
    settings::{Layers, Problems, Settings},
    token::{MintSpec, Minted},
};

/// The time that the app's clock shows, in Unix seconds.
pub const NOW: u64 = 1_900_000_000;

/// Both have an instance of their own name.
const KINDS: [&str; 2] = ["elevenlabs", "xai"];

/// Mints without asking anyone, and no token twice.
struct AtOnce(AtomicU32);

#[async_trait]
impl Provider for AtOnce {
    async fn mint(&self, spec: &MintSpec) -> Result<Minted, ProviderError> {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        let token = Secret::new(format!("token_{number:024}"));
        Ok(Minted { token, expires_at: NOW + u64::from(spec.ttl) })
    }
}

/// One with these settings over the defaults, and with a pool for the token type that is named.
pub fn app(text: &str, pool: Option<(&str, PoolTerms)>) -> App {
    build(text, |live, metrics| {
        live.providers = providers();
        if let Some((name, terms)) = pool {
            add_pool(live, name, terms, metrics);
        }
    })
}

/// One with these settings over the defaults, and its providers as they say, unless `change` changes them.
pub fn build(text: &str, change: impl FnOnce(&mut Live, &Metrics)) -> App {
    let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let mut problems = Problems::default();
    let layers = Layers { files: vec![file.path().to_owned()], ..Layers::default() };
    let tree = layers.merge(&mut problems);
    let settings = Settings::read(&tree, &mut problems);
    let env = |name: &str| name.ends_with("_API_KEY").then(|| "key".to_owned());
    let metrics = Metrics::new(settings.tokens.keys(), settings.providers.keys());
    let ingredients = Ingredients {
        settings: &settings,
        tree: &tree,
        env: &env,
        clock: Clock::fixed(NOW),
        metrics: metrics.clone(),
        sandbox: false,
        previous: None,
    };
    let mut live = ingredients.live(&mut problems);
    let keeps = ingredients.keeps(&mut problems);
    assert!(problems.is_empty(), "{problems}");
    change(&mut live, &metrics);
    App::new(live, keeps)
}

fn providers() -> Providers {
    let mut providers = Providers::default();
    for name in KINDS {
        let account = Account {
            name: name.into(),
            base_url: "http://127.0.0.1".parse().unwrap(),
            keys: vec![Secret::new("key")],
            timeout: Duration::from_secs(10),
            transport: valetkey::outbound::Transport::default(),
        };
        providers.insert(Instance::new(name, account, Arc::new(AtOnce(AtomicU32::new(0)))));
    }
    providers
}

fn add_pool(live: &mut Live, name: &str, terms: PoolTerms, metrics: &Metrics) {
    let token_type = &live.tokens[name];
    let (provider, product) = (token_type.provider.clone(), token_type.product);
    let spec = MintSpec { provider, product, ttl: token_type.ttl.default() };
    live.providers.pool(&token_type.name, spec, terms, metrics, None);
}
