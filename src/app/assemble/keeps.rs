//! What lives on whatever the settings become.

use tokio_util::task::TaskTracker;

use super::Ingredients;
use crate::{
    app::Keeps,
    audit::Audit,
    base::secret::Secret,
    gate::Gate,
    limit::Limiter,
    provider::Means,
    settings::{Problems, Store},
};

/// The shortest secret that cannot be guessed, in bytes.
const MIN_HASH_KEY: usize = 32;

impl Ingredients<'_> {
    /// Opens the store of the limits and the audit's sink, adding to `problems` what cannot be.
    pub fn keeps(&self, problems: &mut Problems) -> Keeps {
        let hash_key = self.hash_key(problems);
        Keeps {
            gate: Gate::new(self.settings.server.max_requests),
            limiter: self.limiter(hash_key.as_ref(), problems),
            means: Means {
                audit: self.audit(problems),
                tasks: TaskTracker::new(),
                clock: self.clock.clone(),
                metrics: self.metrics.clone(),
            },
        }
    }

    /// Adds to `problems` what [`Self::keeps`] would need and cannot be had. Opens nothing: what goes
    /// on already is not opened twice.
    pub fn check_keeps(&self, problems: &mut Problems) {
        self.hash_key(problems);
        if let Err(why) = self.store_url() {
            self.problem(problems, "limits.store", why);
        }
    }

    fn hash_key(&self, problems: &mut Problems) -> Option<Secret> {
        if !self.settings.needs_hash_key() {
            return None;
        }
        let why = match self.settings.hash_key.resolve(self.env) {
            Ok(Some(key)) if key.expose().len() >= MIN_HASH_KEY => return Some(key),
            Ok(Some(_)) => format!(
                "must have at least {MIN_HASH_KEY} bytes; make one with: openssl rand -hex 32"
            ),
            Ok(None) => format!(
                "{} leads to nothing, and limits in Redis need it; make one \
                 with: openssl rand -hex 32",
                self.settings.hash_key
            ),
            Err(error) => error.to_string(),
        };
        self.problem(problems, "identity.hash_key", why);
        None
    }

    fn limiter(&self, hash_key: Option<&Secret>, problems: &mut Problems) -> Limiter {
        // Without a hash key there is a problem already.
        let limiter = self.store_url().and_then(|url| match (url, hash_key) {
            (Some(url), Some(hash_key)) => Limiter::with_redis(url, hash_key.clone()),
            _ => Ok(Limiter::memory()),
        });
        limiter.unwrap_or_else(|why| {
            self.problem(problems, "limits.store", why);
            Limiter::memory()
        })
    }

    /// The URL of the shared store, where there is to be one.
    fn store_url(&self) -> Result<Option<Secret>, String> {
        match &self.settings.limits.store {
            Store::Memory => Ok(None),
            Store::Redis(url) => Ok(Some(Secret::new(url.as_str()))),
            Store::Secret(reference) => match reference.resolve(self.env) {
                Ok(Some(text)) => Ok(Some(text)),
                Ok(None) => Err(format!("{reference} leads to nothing")),
                Err(error) => Err(error.to_string()),
            },
        }
    }

    fn audit(&self, problems: &mut Problems) -> Audit {
        let requests = self.settings.server.max_requests;
        let audit = Audit::open(&self.settings.audit, requests, self.clock.clone());
        audit.unwrap_or_else(|why| {
            self.problem(problems, "audit.to", why);
            Audit::off()
        })
    }
}
