//! What the policy grants, by example and whatever is asked.

use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;
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
        settings::Grant { keys: Some(vec!["batch".to_owned()]), tokens: Some(vec![]), ..grant() },
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

fn ttls() -> impl Strategy<Value = Ttl> {
    let bounds = (1..5_000_u32, 0..5_000_u32, 0..5_000_u32);
    let within = bounds.prop_map(|(min, more, most)| Ttl::Within {
        min,
        default: min + more,
        max: min + more + most,
    });
    prop_oneof![(1..5_000_u32).prop_map(Ttl::Fixed), within]
}

proptest! {
    /// Of what the type, the grant and the caller say, the shortest counts.
    #[test]
    fn a_granted_lifetime_is_within_every_bound(
        ttl in ttls(),
        most in proptest::option::of(1..10_000_u64),
        asked in proptest::option::of(0..20_000_u64),
    ) {
        let grant = settings::Grant { max_ttl: most.map(Duration::from_secs), ..grant() };
        let caller = caller(Via::Jwt, "ada", serde_json::json!({}));
        let decided =
            Policy::new(vec![grant]).decide(&caller, None, &token_type(ttl), &asking(asked));
        if let Ok(granted) = decided {
            let granted = u64::from(granted.spec().ttl);
            let (min, max) = match ttl {
                Ttl::Fixed(seconds) => (seconds, seconds),
                Ttl::Within { min, max, .. } => (min, max),
            };
            prop_assert!((u64::from(min)..=u64::from(max)).contains(&granted));
            prop_assert!(most.is_none_or(|most| granted <= most));
            prop_assert!(asked.is_none_or(|asked| granted == asked), "what is asked is not changed");
        } else if let Ttl::Within { min, .. } = ttl && asked.is_none() {
            // Without a wish the only reason is that the grant ends before the type begins.
            prop_assert!(most.is_some_and(|most| most < u64::from(min)));
        }
    }
}
