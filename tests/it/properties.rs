//! What holds for whatever is asked and however it is set up.

use std::time::Duration;

use proptest::prelude::*;
use url::Url;
use valetkey::{
    app::{App, Ingredients},
    base::clock::Clock,
    caller::{Caller, Claims},
    metrics::Metrics,
    policy::Policy,
    settings::{Grant, Layers, Problems, Settings, Via},
    token::{Connect, MintRequest, Shape, TokenType, Ttl},
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
        ignored_fields: Vec::new(),
        enabled: true,
    }
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
        let grant = Grant {
            via: None,
            keys: None,
            claims: std::collections::BTreeMap::new(),
            origins: None,
            tokens: None,
            max_ttl: most.map(Duration::from_secs),
            limits: None,
        };
        let (via, claims) = (Via::Jwt, Claims::default());
        let caller = Caller { id: "ada".into(), via, issuer: None, claims, origins: None };
        let request = MintRequest { ttl: asked, ..MintRequest::default() };
        let decided = Policy::new(vec![grant]).decide(&caller, None, &token_type(ttl), &request);
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Whatever the secrets are: nothing that holds one shows it.
    #[test]
    fn no_secret_is_in_any_debug(secret in "[!-~]{40,80}") {
        let settings = r#"
            [limits]
            store = "env:REDIS_URL"
            [audit]
            to = "off"
            [[auth.jwt]]
            issuer = "https://i.example"
            audience = "voice"
            algorithms = ["HS256"]
            secret = "env:SHARED"
        "#;
        let file = crate::support::settings_file(settings);
        let mut problems = Problems::default();
        let layers = Layers { files: vec![file.path().to_owned()], ..Layers::default() };
        let tree = layers.merge(&mut problems);
        let settings = Settings::read(&tree, &mut problems);
        let password: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let env = |name: &str| Some(match name {
            "REDIS_URL" => format!("redis://:{password}@127.0.0.1:1"),
            "XAI_API_KEY" | "SHARED" | "VALETKEY_HASH_KEY" => secret.clone(),
            _ => return None,
        });
        let (clock, metrics) = (Clock::fixed(0), Metrics::new(["a"], ["xai"]));
        let ingredients = Ingredients {
            settings: &settings, tree: &tree, env: &env, clock, metrics, sandbox: false,
            previous: None,
        };
        let live = ingredients.live(&mut problems);
        let keeps = ingredients.keeps(&mut problems);
        prop_assert!(problems.is_empty(), "{}", problems);
        let app = App::new(live, keeps);
        let shown = format!("{settings:?} {tree:?} {app:?} {:?} {:#?}", app.live(), app.limiter());
        prop_assert!(shown.len() > 1_000, "there is nothing to be seen: {shown}");
        for secret in [&secret, &password] {
            prop_assert!(!shown.contains(secret.as_str()));
        }
    }
}
