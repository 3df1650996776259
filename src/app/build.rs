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
        let providers = self.providers(problems);
        let tokens = self.tokens(&providers, problems);
        if !tokens.contains_key(self.settings.session.token.as_str()) {
            let message = format!("is no token type; there are: {}", names(tokens.keys()));
            self.problem(problems, "session.token", message);
        }
        if providers.is_empty() && problems.is_empty() {
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

    fn providers(&self, problems: &mut Problems) -> Providers {
        let mut providers = Providers::default();
        for (name, settings) in &self.settings.providers {
            let key = format!("providers.{name}.kind");
            let Some(adapter) = Adapter::of_kind(&settings.kind) else {
                let message =
                    format!("is no kind of provider; there are: {}", Adapter::kinds().join(", "));
                self.problem(problems, &key, message);
                continue;
            };
            let Some(secret) = self.secret(name, settings, problems) else { continue };
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
        providers
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
            let known = names(self.settings.providers.keys());
            return Err(one("provider", format!("is no provider; there are: {known}")));
        };
        let products = Adapter::of_kind(&provider.kind).map_or(&[][..], |adapter| adapter.products);
        let Some(product) = products.iter().find(|product| product.name == settings.product) else {
            let known = names(products.iter().map(|product| product.name));
            let message = format!("is no product of {}; there are: {known}", settings.provider);
            return Err(one("product", message));
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

fn names<T: AsRef<str>>(names: impl Iterator<Item = T>) -> String {
    names.map(|name| name.as_ref().to_owned()).collect::<Vec<_>>().join(", ")
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
                            found.push((
                                key.to_owned(),
                                format!("must be whole seconds from {min}s to {most}s"),
                            ));
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

fn connect_problems(product: &Product, settings: &settings::TokenType) -> Vec<(String, String)> {
    let given = &settings.connect;
    let reserved = product.reserved.iter().filter(|name| given.contains_key(**name));
    let missing =
        product.required.iter().filter(|name| given.get(**name).is_none_or(String::is_empty));
    let reserved =
        reserved.map(|name| (format!("connect.{name}"), "is filled in by valetkey".to_owned()));
    let missing = missing.map(|name| (format!("connect.{name}"), "is missing".to_owned()));
    reserved.chain(missing).collect()
}
