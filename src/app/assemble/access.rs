//! Who may ask, and for what.

use super::{Ingredients, no_such};
use crate::{
    caller::Callers,
    provider::{Adapter, Lifetime},
    settings::{Grant, Problems, Via},
};

impl Ingredients<'_> {
    /// The callers; where something is wrong with them, nobody.
    pub(super) fn callers(&self, problems: &mut Problems) -> Callers {
        let mut auth = self.settings.auth.clone();
        // The sandbox's tokens are worth nothing: whoever comes through a proxy may have them, too.
        auth.anonymous |= self.sandbox && !auth.knows_callers();
        let previous = self.previous.map(|live| &live.callers);
        match Callers::new(&auth, self.env, self.clock.clone(), previous) {
            Ok(callers) => callers,
            Err(found) => {
                let keys = found.into_iter().map(|(key, why)| (format!("auth.{key}"), why));
                // Where the table itself is wrong, what follows from that only confuses.
                let table =
                    |key: &str| key.rsplit_once('.').map_or("auth", |(table, _)| table).to_owned();
                let new: Vec<_> =
                    keys.filter(|(key, _)| !problems.concern_below(&table(key))).collect();
                for (key, why) in new {
                    self.problem(problems, &key, why);
                }
                Callers::nobody(self.clock.clone())
            }
        }
    }

    /// What a grant names must be there, or it would grant something else than its author thinks.
    pub(super) fn check_grants(&self, problems: &mut Problems) {
        for (place, grant) in self.settings.grants.iter().enumerate() {
            let found = [
                self.unknown_keys(grant),
                self.unknown_tokens(grant),
                self.unknown_limits(grant),
                self.via_of_nobody(grant),
                self.claims_of_nobody(grant),
                self.lifetime_too_short(grant),
            ];
            for (key, why) in found.into_iter().flatten() {
                self.problem(problems, &format!("grants.{place}.{key}"), why);
            }
        }
    }

    fn unknown_keys(&self, grant: &Grant) -> Option<(&'static str, String)> {
        let known = || self.settings.auth.keys.iter().map(|key| key.id.as_str());
        let mut named = grant.keys.iter().flatten();
        let unknown = named.find(|id| !known().any(|known| known == id.as_str()))?;
        Some(("keys", no_such("id of a caller key", unknown, known())))
    }

    fn unknown_tokens(&self, grant: &Grant) -> Option<(&'static str, String)> {
        let mut named = grant.tokens.iter().flatten();
        let unknown = named.find(|name| !self.settings.tokens.contains_key(*name))?;
        Some(("tokens", no_such("token type", unknown, self.settings.tokens.keys())))
    }

    fn unknown_limits(&self, grant: &Grant) -> Option<(&'static str, String)> {
        let (name, known) = (grant.limits.as_ref()?, &self.settings.limits.named);
        if known.contains_key(name) {
            return None;
        }
        let why = if known.is_empty() {
            format!("there are no such limits; describe them, in [limits.named.{name}.caller]")
        } else {
            no_such("name in [limits.named]", name, known.keys())
        };
        Some(("limits", why))
    }

    /// Nobody comes in a way that is not open.
    fn via_of_nobody(&self, grant: &Grant) -> Option<(&'static str, String)> {
        let auth = &self.settings.auth;
        let is_open = |via: &Via| match via {
            Via::Key => auth.keys.iter().any(|key| !key.publishable),
            Via::PublishableKey => auth.keys.iter().any(|key| key.publishable),
            Via::Jwt => !auth.jwt.is_empty(),
            Via::Forward => auth.forward.is_some(),
            Via::Proxy => auth.proxy_header.is_some(),
            Via::Anonymous => auth.anonymous || !auth.knows_callers(),
        };
        let fits_nobody = !grant.via.as_ref()?.iter().any(is_open);
        fits_nobody.then(|| {
            ("via", "nobody comes in this way, because it is not set up in [auth]".to_owned())
        })
    }

    /// Only JWTs have claims.
    fn claims_of_nobody(&self, grant: &Grant) -> Option<(&'static str, String)> {
        let may_be_jwt = grant.via.as_ref().is_none_or(|via| via.contains(&Via::Jwt));
        let fits_nobody = self.settings.auth.jwt.is_empty() || !may_be_jwt;
        (!grant.claims.is_empty() && fits_nobody).then(|| {
            let why = "only a JWT has claims, so that this fits nobody; add [[auth.jwt]], and leave \
                       out via or let it have \"jwt\"";
            ("claims", why.to_owned())
        })
    }

    /// A lifetime that the provider fixes cannot be shortened: the type would not be granted.
    fn lifetime_too_short(&self, grant: &Grant) -> Option<(&'static str, String)> {
        let most = grant.max_ttl?.as_secs();
        grant.tokens.iter().flatten().find_map(|name| {
            let token_type = self.settings.tokens.get(name)?;
            let provider = self.settings.providers.get(&token_type.provider)?;
            let mut products = Adapter::of_kind(&provider.kind)?.products.iter();
            match products.find(|product| product.name == token_type.product)?.lifetime {
                Lifetime::Fixed(fixed) if u64::from(fixed) > most => Some((
                    "max_ttl",
                    format!("the provider fixes the lifetime of {name} at {fixed} s; leave it out"),
                )),
                Lifetime::Fixed(_) | Lifetime::Within { .. } => None,
            }
        })
    }
}
