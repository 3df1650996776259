//! Whether a caller may have what it asks for. The only maker of a [`Grant`].

use crate::{
    caller::Caller,
    settings::{self, Origin},
    token::{MintRequest, MintSpec, Name, TokenType, Ttl},
};

/// Permission to mint. A provider opens only to one of these.
#[derive(Debug)]
pub struct Grant {
    token_type: Name,
    spec: MintSpec,
    limits: Option<String>,
}

impl Grant {
    /// The token type that it is for.
    #[must_use]
    pub fn token_type(&self) -> &Name {
        &self.token_type
    }

    /// What may be minted.
    #[must_use]
    pub fn spec(&self) -> &MintSpec {
        &self.spec
    }

    /// The name of the limits under which it may; `None` for the usual ones.
    #[must_use]
    pub fn limits(&self) -> Option<&str> {
        self.limits.as_deref()
    }
}

/// Why there is no grant. Each names what the caller can mend.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No grant gives this caller the token type.
    #[error("this token type is not granted to you; GET /tokens lists what is")]
    NotGranted,
    /// The type's lifetime is not the caller's to choose.
    #[error("`expires_after` is not taken by this token type: its tokens live {0} seconds")]
    TtlIsFixed(u32),
    /// The lifetime is out of bounds.
    #[error("`expires_after.seconds` must be from {min} to {max} for this token type")]
    TtlOutOfBounds {
        /// The shortest, in seconds.
        min: u32,
        /// The longest, in seconds.
        max: u32,
    },
    /// The body has a field that the type does not take.
    #[error(
        "`{0}` is not taken here: the body may hold `expires_after` with `seconds`, or nothing"
    )]
    UnknownField(String),
}

/// What whom is granted. The first grant that fits a caller decides.
#[derive(Debug, Default)]
pub struct Policy(Vec<settings::Grant>);

/// What a caller can have of a token type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms<'a> {
    /// The lifetimes.
    pub ttl: Ttl,
    /// The name of the limits; `None` for the usual ones.
    pub limits: Option<&'a str>,
}

impl Policy {
    /// The policy of these grants. Without any, everyone may have everything.
    #[must_use]
    pub fn new(grants: Vec<settings::Grant>) -> Self {
        Self(grants)
    }

    /// Decides about `request` of `caller`, from a page of `origin` if from any, for a token of
    /// `token_type`.
    ///
    /// # Errors
    /// When it is not granted, or the request is not within what the type allows.
    pub fn decide(
        &self,
        caller: &Caller,
        origin: Option<&str>,
        token_type: &TokenType,
        request: &MintRequest,
    ) -> Result<Grant, Denied> {
        let terms = self.terms(caller, origin, token_type).ok_or(Denied::NotGranted)?;
        within(terms, token_type, request)
    }

    /// What `caller` can have of `token_type`; `None` for nothing.
    #[must_use]
    pub fn terms(
        &self,
        caller: &Caller,
        origin: Option<&str>,
        token_type: &TokenType,
    ) -> Option<Terms<'_>> {
        if self.0.is_empty() {
            return Some(Terms { ttl: token_type.ttl, limits: None });
        }
        let grant = self.0.iter().find(|grant| fits(grant, caller, origin))?;
        let is_named = |tokens: &Vec<String>| tokens.iter().any(|name| **name == *token_type.name);
        if !grant.tokens.as_ref().is_none_or(is_named) {
            return None;
        }
        let ttl = match grant.max_ttl {
            Some(most) => token_type.ttl.at_most(u32::try_from(most.as_secs()).unwrap_or(u32::MAX)),
            None => Some(token_type.ttl),
        };
        Some(Terms { ttl: ttl?, limits: grant.limits.as_deref() })
    }
}

/// Decides about `request` of whoever runs the server: all that the type allows is granted.
///
/// # Errors
/// When the request is not within what the type allows.
pub fn for_operator(token_type: &TokenType, request: &MintRequest) -> Result<Grant, Denied> {
    within(Terms { ttl: token_type.ttl, limits: None }, token_type, request)
}

fn fits(grant: &settings::Grant, caller: &Caller, origin: Option<&str>) -> bool {
    let is_key = || matches!(caller.via, settings::Via::Key | settings::Via::PublishableKey);
    let is_origin = |allowed: &Origin| match allowed {
        Origin::Any => true,
        Origin::Exact(text) => origin == Some(text),
    };
    grant.via.as_ref().is_none_or(|vias| vias.contains(&caller.via))
        && grant.keys.as_ref().is_none_or(|ids| is_key() && ids.iter().any(|id| **id == *caller.id))
        && grant.origins.as_ref().is_none_or(|origins| origins.iter().any(is_origin))
        && grant.claims.iter().all(|(name, values)| caller.claims.has(name, values))
}

fn within(
    terms: Terms<'_>,
    token_type: &TokenType,
    request: &MintRequest,
) -> Result<Grant, Denied> {
    let unknown =
        request.other_fields.iter().find(|field| !token_type.ignored_fields.contains(field));
    if let Some(field) = unknown {
        return Err(Denied::UnknownField(field.clone()));
    }
    let ttl = match (terms.ttl, request.ttl) {
        (Ttl::Fixed(seconds), None) => seconds,
        (Ttl::Fixed(seconds), Some(_)) => return Err(Denied::TtlIsFixed(seconds)),
        (Ttl::Within { default, .. }, None) => default,
        (Ttl::Within { min, max, .. }, Some(asked)) => match u32::try_from(asked) {
            Ok(asked) if (min..=max).contains(&asked) => asked,
            _ => return Err(Denied::TtlOutOfBounds { min, max }),
        },
    };
    let provider = token_type.provider.clone();
    Ok(Grant {
        token_type: token_type.name.clone(),
        spec: MintSpec { provider, product: token_type.product, ttl },
        limits: terms.limits.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use url::Url;

    use super::*;
    use crate::{
        caller::Claims,
        settings::Via,
        token::{Connect, Shape},
    };

    fn token_type(ttl: Ttl) -> TokenType {
        TokenType {
            name: "type".into(),
            provider: "provider".into(),
            product: "product",
            ttl,
            single_use: false,
            shape: Shape::ClientSecret,
            connect: Connect::http_query(&Url::parse("https://p.example").unwrap(), "token"),
            ignored_fields: vec!["sessionConfig".to_owned()],
            enabled: true,
        }
    }

    fn asking(ttl: impl Into<Option<u64>>) -> MintRequest {
        MintRequest { ttl: ttl.into(), ..MintRequest::default() }
    }

    #[test]
    fn a_ttl_is_taken_within_its_bounds_and_never_clamped() {
        let of_choice = token_type(Ttl::Within { min: 1, default: 300, max: 3600 });
        let granted = |asked| for_operator(&of_choice, &asking(asked)).map(|grant| grant.spec.ttl);
        assert_eq!(granted(None), Ok(300));
        assert_eq!(granted(Some(1)), Ok(1));
        assert_eq!(granted(Some(3600)), Ok(3600));
        let refused = Err(Denied::TtlOutOfBounds { min: 1, max: 3600 });
        assert_eq!(granted(Some(0)), refused);
        assert_eq!(granted(Some(3601)), refused);
        assert_eq!(granted(Some(u64::MAX)), refused);
    }

    #[test]
    fn a_fixed_ttl_cannot_be_asked_for() {
        let fixed = token_type(Ttl::Fixed(900));
        assert_eq!(for_operator(&fixed, &asking(None)).unwrap().spec.ttl, 900);
        assert_eq!(for_operator(&fixed, &asking(900)).unwrap_err(), Denied::TtlIsFixed(900));
    }

    #[test]
    fn only_declared_fields_are_ignored() {
        let fields = |name: &str| MintRequest { other_fields: vec![name.to_owned()], ttl: None };
        let token_type = token_type(Ttl::Fixed(900));
        assert!(for_operator(&token_type, &fields("sessionConfig")).is_ok());
        let denied = for_operator(&token_type, &fields("session")).unwrap_err();
        assert_eq!(denied, Denied::UnknownField("session".to_owned()));
    }

    fn caller(via: Via, id: &str, claims: serde_json::Value) -> Caller {
        let claims = Claims::new(claims.as_object().unwrap().clone());
        Caller { id: id.into(), via, issuer: None, claims, origins: None }
    }

    fn grant() -> settings::Grant {
        settings::Grant {
            via: None,
            keys: None,
            claims: BTreeMap::new(),
            origins: None,
            tokens: None,
            max_ttl: None,
            limits: None,
        }
    }

    #[test]
    fn the_first_grant_that_fits_decides_and_without_one_there_is_nothing() {
        let voice = BTreeMap::from([("scope".to_owned(), vec!["voice".to_owned()])]);
        let app = Origin::Exact("https://app.example".to_owned());
        let policy = Policy::new(vec![
            settings::Grant {
                keys: Some(vec!["batch".to_owned()]),
                tokens: Some(vec![]),
                ..grant()
            },
            settings::Grant { via: Some(vec![Via::Key]), limits: Some("many".into()), ..grant() },
            settings::Grant { claims: voice, limits: Some("few".into()), ..grant() },
            settings::Grant { origins: Some(vec![app]), ..grant() },
        ]);
        let token_type = token_type(Ttl::Fixed(900));
        let limits = |caller: &Caller, origin| {
            policy.terms(caller, origin, &token_type).map(|terms| terms.limits)
        };
        let nothing = serde_json::json!({});
        let stranger = caller(Via::Anonymous, "batch", nothing.clone());
        assert_eq!(limits(&caller(Via::Key, "batch", nothing.clone()), None), None);
        assert_eq!(limits(&caller(Via::Key, "web", nothing), None), Some(Some("many")));
        let speaker = caller(Via::Jwt, "u", serde_json::json!({ "scope": "voice" }));
        assert_eq!(limits(&speaker, None), Some(Some("few")));
        assert_eq!(limits(&stranger, None), None, "an id is no key's unless a key shows it");
        assert_eq!(limits(&stranger, Some("https://app.example")), Some(None));
        assert_eq!(limits(&stranger, Some("https://app.example.evil")), None);
    }

    #[test]
    fn a_grant_can_shorten_a_lifetime_and_keeps_what_cannot_be_shortened() {
        let policy = |seconds| {
            let most = Some(std::time::Duration::from_secs(seconds));
            Policy::new(vec![settings::Grant { max_ttl: most, ..grant() }])
        };
        let anyone = caller(Via::Jwt, "u", serde_json::json!({}));
        let of_choice = token_type(Ttl::Within { min: 1, default: 300, max: 3600 });
        let ttl = |seconds, asked: Option<u64>| {
            let granted = policy(seconds).decide(&anyone, None, &of_choice, &asking(asked));
            granted.map(|grant| grant.spec.ttl)
        };
        assert_eq!(ttl(60, None), Ok(60));
        assert_eq!(ttl(600, None), Ok(300));
        assert_eq!(ttl(60, Some(61)), Err(Denied::TtlOutOfBounds { min: 1, max: 60 }));
        let fixed = token_type(Ttl::Fixed(900));
        assert!(policy(899).terms(&anyone, None, &fixed).is_none());
        assert!(policy(900).terms(&anyone, None, &fixed).is_some());
    }
}
