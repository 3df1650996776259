//! The providers and their keys.

use super::{Ingredients, no_such};
use crate::{
    base::secret::{Secret, SecretRef},
    outbound::Transport,
    provider::{Account, Adapter, Providers},
    settings::{self, Problems},
};

impl Ingredients<'_> {
    /// The providers that have a key, and the keys.
    pub(super) fn providers(&self, problems: &mut Problems) -> (Providers, Vec<Secret>) {
        let (mut providers, mut keys) = (Providers::default(), Vec::new());
        for (name, settings) in &self.settings.providers {
            let key = format!("providers.{name}.kind");
            let Some(adapter) = Adapter::of_kind(&settings.kind) else {
                let message = no_such("kind of provider", &settings.kind, Adapter::kinds().iter());
                self.problem(problems, &key, message);
                continue;
            };
            let secrets = self.secrets(name, settings, problems);
            keys.extend(secrets.iter().cloned());
            if !settings.enabled || secrets.is_empty() {
                continue;
            }
            let transport = match Transport::open(&settings.transport, self.env) {
                Ok(transport) => transport,
                Err(wrong) => {
                    for (key, why) in wrong {
                        self.problem(problems, &format!("providers.{name}.{key}"), why);
                    }
                    continue;
                }
            };
            let account = Account {
                name: name.as_str().into(),
                base_url: settings.base_url.clone(),
                keys: secrets,
                timeout: settings.timeout,
                transport,
            };
            let before = self.previous.and_then(|it| it.providers.unchanged(adapter, &account));
            let open = || adapter.open(account, &self.clock, &self.metrics);
            match before.map_or_else(open, Ok) {
                Ok(instance) => providers.insert(instance),
                Err(message) => self.problem(problems, &format!("providers.{name}"), message),
            }
        }
        (providers, keys)
    }

    /// A key in a base URL is in the way of every log, and one in a connection parameter would be
    /// sent to every caller.
    pub(super) fn refuse_keys_in_the_open(&self, keys: &[Secret], problems: &mut Problems) {
        // What is shorter is no key, and would be found in many a word.
        let long = |key: &&Secret| key.expose().len() >= 8;
        let holds_key =
            |text: &str| keys.iter().filter(long).any(|key| text.contains(key.expose()));
        let message = "holds an API key, which belongs in a provider's api_keys, by reference";
        for (name, provider) in &self.settings.providers {
            if holds_key(provider.base_url.as_str()) {
                self.problem(problems, &format!("providers.{name}.base_url"), message);
            }
        }
        for (name, token_type) in &self.settings.tokens {
            for (parameter, _) in token_type.connect.iter().filter(|(_, value)| holds_key(value)) {
                self.problem(problems, &format!("tokens.{name}.connect.{parameter}"), message);
            }
        }
    }

    /// Every key that the references lead to, each once.
    fn secrets(
        &self,
        name: &str,
        settings: &settings::Provider,
        problems: &mut Problems,
    ) -> Vec<Secret> {
        let mut secrets = Vec::new();
        for reference in &settings.api_keys {
            match reference.resolve(self.env) {
                Ok(Some(secret)) if secrets.contains(&secret) => {
                    tracing::warn!(provider = name, %reference, "the same key twice: it counts once");
                }
                Ok(Some(secret)) => secrets.push(secret),
                Ok(None) => (),
                Err(error) => {
                    self.problem(
                        problems,
                        &format!("providers.{name}.api_keys"),
                        error.to_string(),
                    );
                }
            }
        }
        secrets
    }

    /// The two ways on.
    pub(super) fn no_keys(&self) -> String {
        let references = self.settings.providers.values().flat_map(|provider| &provider.api_keys);
        let variables = references.filter_map(|reference| match reference {
            SecretRef::Env(name) => Some(name.as_str()),
            SecretRef::File(_) | SecretRef::Given(_) => None,
        });
        let variables = variables.collect::<Vec<_>>().join(" or ");
        format!(
            "no provider has an API key, so there is nothing to vend. Set {variables} in the \
             environment, or try it without any key: valetkey serve --sandbox"
        )
    }
}
