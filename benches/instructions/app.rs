//! An app with everything on, and a provider that answers at once.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use valetkey::{
    app::{App, Ingredients, Live},
    caller::sha256,
    clock::Clock,
    metrics::Metrics,
    provider::{Account, Instance, PoolTerms, Provider, ProviderError, Providers},
    secret::Secret,
    settings::{Layers, Problems, Settings},
    telemetry::{self, Telemetry},
    token::{MintSpec, Minted},
};

/// The caller's key.
pub const KEY: &str = "vk_0123456789012345678901234567890123456789012";

const INSTANCE: &str = "elevenlabs";
const TOKEN_TYPE: &str = "realtime_scribe";
const NOW: u64 = 1_900_000_000;

/// Mints without asking anyone, and no token twice.
struct AtOnce(AtomicU32);

#[async_trait]
impl Provider for AtOnce {
    async fn mint(&self, _: &MintSpec) -> Result<Minted, ProviderError> {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Minted { token: Secret::new(format!("sutkn_{number:024}")), expires_at: NOW + 900 })
    }
}

/// Builds it, with its record and all else in `folder`; the log goes to standard error.
pub fn start(pool: bool, folder: &Path) -> (App, Telemetry) {
    let file = folder.join("valetkey.toml");
    std::fs::write(&file, text(folder)).unwrap();
    let mut problems = Problems::default();
    let layers = Layers { files: vec![file], ..Layers::default() };
    let tree = layers.merge(&mut problems);
    let settings = Settings::read(&tree, &mut problems);
    let log = telemetry::start(&settings.log);
    let env = |name: &str| (name == "ELEVENLABS_API_KEY").then(|| "key".to_owned());
    let metrics = Metrics::new([TOKEN_TYPE], [INSTANCE]);
    let ingredients = Ingredients {
        settings: &settings,
        tree: &tree,
        env: &env,
        clock: Clock::fixed(NOW),
        metrics: metrics.clone(),
        sandbox: false,
        previous: None,
    };
    let live = ingredients.live(&mut problems);
    let live = Live { providers: providers(pool, &metrics), ..live };
    let keeps = ingredients.keeps(&mut problems);
    assert!(problems.is_empty(), "{problems}");
    (App::new(live, keeps), log)
}

fn providers(pool: bool, metrics: &Metrics) -> Providers {
    let account = Account {
        name: INSTANCE.into(),
        base_url: "http://127.0.0.1".parse().unwrap(),
        keys: vec![Secret::new("key")],
        timeout: Duration::from_secs(10),
        transport: valetkey::outbound::Transport::default(),
        metrics: metrics.clone(),
    };
    let mut providers = Providers::default();
    providers.insert(Instance::new(INSTANCE, account, Arc::new(AtOnce(AtomicU32::new(0)))));
    if pool {
        // Small, so that it is full after the first few and each token is replaced by one.
        let terms =
            PoolTerms { size: 16, min_remaining: 60, idle: Duration::from_secs(300), refills: 8 };
        let spec = MintSpec { provider: INSTANCE.into(), product: "realtime_scribe", ttl: 900 };
        providers.pool(&TOKEN_TYPE.into(), spec, terms, metrics, None);
    }
    providers
}

/// Settings as in production, with limits that are counted and never reached.
fn text(folder: &Path) -> String {
    let hash: String = sha256(KEY).iter().map(|byte| format!("{byte:02x}")).collect();
    let audit = folder.join("audit.log");
    let mut text = format!(
        "[log]\nformat = \"json\"\n[session]\ntoken = \"{TOKEN_TYPE}\"\n\
         [server]\nlame_duck = \"0s\"\ndrain = \"1s\"\n\
         [audit]\nto = \"file:{}\"\n[[auth.keys]]\nid = \"backend\"\nsha256 = \"{hash}\"\n",
        audit.display()
    );
    for limit in ["address", "caller", "caller_token", "token"] {
        let wide = "rate = \"1000000/s\"\nquota = \"1000000/s\"";
        text += &format!("[limits.{limit}]\nmode = \"enforce\"\n{wide}\n");
    }
    text
}
