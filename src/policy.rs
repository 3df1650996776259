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
    pub fn token_type(&self) -> &Name {
        &self.token_type
    }

    /// What may be minted.
    pub fn spec(&self) -> &MintSpec {
        &self.spec
    }

    /// The name of the limits under which it may; `None` for the usual ones.
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
mod tests;
