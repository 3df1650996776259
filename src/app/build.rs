//! From settings to [`Live`]: what each section alone cannot know is checked here.

use std::collections::BTreeMap;

use tokio_util::task::TaskTracker;

use super::Live;
use crate::{
    clock::Clock,
    provider::{Account, Adapter, Lifetime, Product, Providers},
    secret::{Secret, SecretRef},
    settings::{self, Problems, Settings, Tree},
    token::{Name, TokenType, Ttl},
};

/// What a [`Live`] is made of.
pub struct Ingredients<'a> {
    /// The settings.
    pub settings: &'a Settings,
    /// Where their values came from, for messages.
    pub tree: &'a Tree,
    /// The environment, for `env:` references.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The clock.
    pub clock: Clock,
    /// Where mints run.
    pub tasks: TaskTracker,
    /// Whether the providers are stand-ins.
    pub sandbox: bool,
}

impl Ingredients<'_> {
    /// Builds as much as can be built, adding to `problems` what cannot.
    #[must_use]
    pub fn build(&self, problems: &mut Problems) -> Live {
        let (providers, keys) = self.providers(problems);
        self.refuse_keys_in_the_open(&keys, problems);
        let tokens = self.tokens(&providers, problems);
        if !self.settings.tokens.contains_key(&self.settings.session.token) {
            let message =
                no_such("token type", &self.settings.session.token, self.settings.tokens.keys());
            self.problem(problems, "session.token", message);
        }
        // Where a key could not be read there is a problem already.
        if providers.is_empty() && !problems.concern_below("providers") {
            problems.add_general(self.no_keys());
        }
        Live {
            session: self.settings.session.token.as_str().into(),
            origins: self.settings.origins.clone(),
            body_timeout: self.settings.server.body_timeout,
            sandbox: self.sandbox,
            tokens,
            providers,
        }
    }

    /// The providers that have a key, and the keys.
    fn providers(&self, problems: &mut Problems) -> (Providers, Vec<Secret>) {
        let (mut providers, mut keys) = (Providers::default(), Vec::new());
        for (name, settings) in &self.settings.providers {
            let key = format!("providers.{name}.kind");
            let Some(adapter) = Adapter::of_kind(&settings.kind) else {
                let message = no_such("kind of provider", &settings.kind, Adapter::kinds().iter());
                self.problem(problems, &key, message);
                continue;
            };
            let Some(secret) = self.secret(name, settings, problems) else { continue };
            keys.push(secret.clone());
            let account = Account {
                base_url: settings.base_url.clone(),
                key: secret,
                timeout: settings.timeout,
            };
            match adapter.open(&account, self.clock.clone(), self.tasks.clone()) {
                Ok(provider) => providers.insert(name.as_str().into(), provider),
                Err(message) => self.problem(problems, &format!("providers.{name}"), message),
            }
        }
        (providers, keys)
    }

    /// A key in a base URL is in the way of every log, and one in a connection parameter would be
    /// sent to every caller.
    fn refuse_keys_in_the_open(&self, keys: &[Secret], problems: &mut Problems) {
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

    fn secret(
        &self,
        name: &str,
        settings: &settings::Provider,
        problems: &mut Problems,
    ) -> Option<Secret> {
        for reference in &settings.api_keys {
            match reference.resolve(self.env) {
                Ok(Some(secret)) => return Some(secret),
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
        None
    }

    fn tokens(&self, providers: &Providers, problems: &mut Problems) -> BTreeMap<Name, TokenType> {
        let mut tokens = BTreeMap::new();
        for (name, settings) in &self.settings.tokens {
            match self.token_type(name, settings, providers) {
                Ok(token_type) => drop(tokens.insert(token_type.name.clone(), token_type)),
                Err(found) => found.into_iter().for_each(|(key, message)| {
                    self.problem(problems, &format!("tokens.{name}.{key}"), message);
                }),
            }
        }
        tokens
    }

    fn token_type(
        &self,
        name: &str,
        settings: &settings::TokenType,
        providers: &Providers,
    ) -> Result<TokenType, Vec<(String, String)>> {
        let one = |key: &str, message: String| vec![(key.to_owned(), message)];
        let Some(provider) = self.settings.providers.get(&settings.provider) else {
            let known = self.settings.providers.keys();
            return Err(one("provider", no_such("provider", &settings.provider, known)));
        };
        // Of an unknown kind there is a problem already, and no telling what it mints.
        let Some(adapter) = Adapter::of_kind(&provider.kind) else { return Err(Vec::new()) };
        let products = adapter.products;
        let Some(product) = products.iter().find(|product| product.name == settings.product) else {
            let known = products.iter().map(|product| product.name);
            let what = format!("product of {}", settings.provider);
            return Err(one("product", no_such(&what, &settings.product, known)));
        };
        let (ttl, mut found) = ttl(product.lifetime, settings);
        found.extend(connect_problems(product, settings));
        if !found.is_empty() {
            return Err(found);
        }
        Ok(TokenType {
            name: name.into(),
            provider: settings.provider.as_str().into(),
            product: product.name,
            ttl,
            single_use: product.single_use,
            shape: product.shape,
            connect: (product.connect)(provider.base_url.clone(), &settings.connect),
            ignored_fields: settings.ignored_fields.clone(),
            enabled: providers.contains(&settings.provider),
        })
    }

    /// A setting that is already known to be wrong is not complained about twice.
    fn problem(&self, problems: &mut Problems, key: &str, message: impl Into<String>) {
        if !problems.concern(key) {
            problems.add(self.tree, key, message);
        }
    }

    /// The two ways on.
    fn no_keys(&self) -> String {
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

/// That `given` is none of `known`, and which of them is most like it. It does not repeat `given`.
fn no_such<T: AsRef<str>>(what: &str, given: &str, known: impl Iterator<Item = T>) -> String {
    let known: Vec<String> = known.map(|name| name.as_ref().to_owned()).collect();
    let list = known.join(", ");
    let pairs = known.into_iter().map(|name| (name.clone(), name));
    match settings::nearest(given, pairs) {
        Some(like) => format!("is no {what}; did you mean {like}? There are: {list}"),
        None => format!("is no {what}; there are: {list}"),
    }
}

/// The lifetime, and what is wrong with it by key.
fn ttl(lifetime: Lifetime, settings: &settings::TokenType) -> (Ttl, Vec<(String, String)>) {
    match lifetime {
        Lifetime::Fixed(seconds) => {
            let set = [("ttl", settings.ttl), ("max_ttl", settings.max_ttl)];
            let message = format!("the provider fixes this at {seconds} s; leave it out");
            let found = set.into_iter().filter(|(_, value)| value.is_some());
            (Ttl::Fixed(seconds), found.map(|(key, _)| (key.to_owned(), message.clone())).collect())
        }
        Lifetime::Within { min, max: longest } => {
            let mut found = Vec::new();
            let mut seconds =
                |key: &str, value: Option<std::time::Duration>, default: u32, most: u32| {
                    let Some(value) = value else { return default };
                    match u32::try_from(value.as_secs()) {
                        Ok(whole) if value.subsec_nanos() == 0 && (min..=most).contains(&whole) => {
                            whole
                        }
                        _ => {
                            let limit = if most < longest { ", which is max_ttl" } else { "" };
                            let message =
                                format!("must be whole seconds from {min}s to {most}s{limit}");
                            found.push((key.to_owned(), message));
                            default
                        }
                    }
                };
            let max = seconds("max_ttl", settings.max_ttl, longest, longest);
            let default = seconds("ttl", settings.ttl, max.min(300), max);
            (Ttl::Within { min, default, max }, found)
        }
    }
}

/// Names that no connection parameter may have, whatever the provider: they are for secrets.
const FOR_SECRETS: [&str; 6] =
    ["token", "single_use_token", "authorization", "api_key", "xi_api_key", "xi-api-key"];

fn connect_problems(product: &Product, settings: &settings::TokenType) -> Vec<(String, String)> {
    let given = &settings.connect;
    let reserved = FOR_SECRETS.iter().filter(|name| given.contains_key(**name));
    let reserved = reserved.map(|name| (*name, "is for a secret, which does not belong here"));
    let wrong = product.path_parameters.iter().filter_map(|name| match given.get(*name) {
        None => Some((*name, "is missing")),
        Some(value) if ["", ".", ".."].contains(&value.as_str()) => {
            Some((*name, "cannot be part of a path"))
        }
        Some(_) => None,
    });
    let found = reserved.chain(wrong);
    found.map(|(name, why)| (format!("connect.{name}"), why.to_owned())).collect()
}
