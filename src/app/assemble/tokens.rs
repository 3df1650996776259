//! The token types.

use std::collections::BTreeMap;

use super::{Ingredients, no_such};
use crate::{
    provider::{Adapter, Lifetime, PoolTerms, Product, Providers},
    settings::{self, Pool, Problems},
    token::{MintSpec, Name, TokenType, Ttl},
};

impl Ingredients<'_> {
    pub(super) fn tokens(
        &self,
        providers: &Providers,
        problems: &mut Problems,
    ) -> BTreeMap<Name, TokenType> {
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

    /// Adds the pools of those token types that are to have one.
    pub(super) fn pools(
        &self,
        tokens: &BTreeMap<Name, TokenType>,
        providers: &mut Providers,
        problems: &mut Problems,
    ) {
        let previous = self.previous.map(|live| &live.providers);
        for (name, token_type) in tokens {
            let Some(pool) = self.settings.tokens.get(&**name).and_then(|it| it.pool) else {
                continue;
            };
            let ttl = token_type.ttl.default();
            match terms(pool, ttl) {
                Ok(terms) if token_type.enabled => {
                    let (provider, product) = (token_type.provider.clone(), token_type.product);
                    let spec = MintSpec { provider, product, ttl };
                    providers.pool(name, spec, terms, &self.metrics, previous);
                }
                Ok(_) => (),
                Err(why) => {
                    self.problem(problems, &format!("tokens.{name}.pool.min_remaining"), why);
                }
            }
        }
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
            enabled: settings.enabled && providers.contains(&settings.provider),
        })
    }
}

/// What a pool keeps to whose tokens live `ttl` seconds.
fn terms(pool: Pool, ttl: u32) -> Result<PoolTerms, String> {
    let Pool { size, min_remaining } = pool;
    let min_remaining = match min_remaining {
        None => ttl / 2,
        Some(least) => match u32::try_from(least.as_secs()) {
            Ok(whole) if least.subsec_nanos() == 0 && whole <= ttl / 10 * 9 => whole,
            _ => {
                return Err(format!(
                    "must be whole seconds, at most {}: the type's tokens live {ttl} s, and what has \
                     less left than this is thrown away",
                    ttl / 10 * 9
                ));
            }
        },
    };
    Ok(PoolTerms { size, min_remaining })
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
