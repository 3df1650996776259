//! What an app may show of itself.

use std::io::Write as _;

use proptest::prelude::*;

use super::*;
use crate::settings::{Layers, Problems, Settings};

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
        let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
        file.write_all(settings.as_bytes()).unwrap();
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
