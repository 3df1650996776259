//! Whether a caller may have what it asks for. The only maker of a [`Grant`].

use crate::token::{MintRequest, MintSpec, TokenType, Ttl};

/// Permission to mint. A provider opens only to one of these.
#[derive(Debug)]
pub struct Grant {
    spec: MintSpec,
}

impl Grant {
    /// What may be minted.
    #[must_use]
    pub fn spec(&self) -> &MintSpec {
        &self.spec
    }
}

/// Why there is no grant. Each names what the caller can mend.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
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

/// Decides about `request` for a token of `token_type`.
///
/// # Errors
/// When the request is not within what the type allows.
pub fn decide(token_type: &TokenType, request: &MintRequest) -> Result<Grant, Denied> {
    let unknown =
        request.other_fields.iter().find(|field| !token_type.ignored_fields.contains(field));
    if let Some(field) = unknown {
        return Err(Denied::UnknownField(field.clone()));
    }
    let ttl = match (token_type.ttl, request.ttl) {
        (Ttl::Fixed(seconds), None) => seconds,
        (Ttl::Fixed(seconds), Some(_)) => return Err(Denied::TtlIsFixed(seconds)),
        (Ttl::Within { default, .. }, None) => default,
        (Ttl::Within { min, max, .. }, Some(asked)) => match u32::try_from(asked) {
            Ok(asked) if (min..=max).contains(&asked) => asked,
            _ => return Err(Denied::TtlOutOfBounds { min, max }),
        },
    };
    let provider = token_type.provider.clone();
    Ok(Grant { spec: MintSpec { provider, product: token_type.product, ttl } })
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::token::{Connect, Shape};

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
        let granted = |asked| decide(&of_choice, &asking(asked)).map(|grant| grant.spec.ttl);
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
        assert_eq!(decide(&fixed, &asking(None)).unwrap().spec.ttl, 900);
        assert_eq!(decide(&fixed, &asking(900)).unwrap_err(), Denied::TtlIsFixed(900));
    }

    #[test]
    fn only_declared_fields_are_ignored() {
        let fields = |name: &str| MintRequest { other_fields: vec![name.to_owned()], ttl: None };
        let token_type = token_type(Ttl::Fixed(900));
        assert!(decide(&token_type, &fields("sessionConfig")).is_ok());
        let denied = decide(&token_type, &fields("session")).unwrap_err();
        assert_eq!(denied, Denied::UnknownField("session".to_owned()));
    }
}
