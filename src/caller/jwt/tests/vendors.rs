//! Tokens in the shapes that vendors give them, against the settings in `docs/jwt.md`.

use serde_json::{Value, json};

use super::{
    super::Issuer,
    NOW, build, merge,
    server::{Server, set},
    signer::{EC, ED, RSA, RSA_2, Signer},
    tables,
};
use crate::settings::{Jwt, KeySource};

const PAGE: &str = include_str!("../../../../docs/jwt.md");
const SECRET: &str = "super-secret-jwt-token-with-at-least-32-characters";

/// The settings under this heading, as the program reads them.
fn snippets(heading: &str) -> Vec<Jwt> {
    let section = PAGE.split("\n## ").find(|section| section.starts_with(heading)).unwrap();
    let blocks = section.split("```toml\n").skip(1);
    blocks.map(|block| tables(block.split("```").next().unwrap()).remove(0)).collect()
}

/// The issuer of these settings, its keys fetched from a server that has `keys`.
async fn with_keys(mut settings: Jwt, keys: &[Value]) -> Issuer {
    let server = Server::start(set(keys)).await;
    assert!(matches!(settings.keys, KeySource::Jwks(_) | KeySource::Discovery));
    settings.keys = KeySource::Jwks(format!("{}/keys", server.url).parse().unwrap());
    build(&settings, &[]).unwrap()
}

/// `good` is accepted, is of `caller`, and refused with each of `changes`.
async fn check(
    issuer: &Issuer,
    signer: &Signer,
    (header, good): (Value, Value),
    caller: &str,
    changes: &[Value],
) {
    let sign = |claims: &Value| signer.sign_raw(&header.to_string(), &claims.to_string());
    let identity = issuer.verify(&sign(&good)).await.unwrap();
    assert_eq!(identity.caller, caller);
    for change in changes {
        let mut claims = good.clone();
        merge(&mut claims, change.clone());
        assert!(issuer.verify(&sign(&claims)).await.is_err(), "{change}");
    }
}

#[tokio::test]
async fn auth0_access_tokens() {
    let [settings] = &snippets("Auth0")[..] else { panic!("one snippet") };
    let issuer = with_keys(settings.clone(), &[RSA.jwk(json!({})), RSA_2.jwk(json!({}))]).await;
    let claims = json!({
        "iss": "https://YOUR-TENANT.eu.auth0.com/", "sub": "auth0|5f7c8ec7c33c6c004bbafe82",
        "aud": ["https://voice.example", "https://YOUR-TENANT.eu.auth0.com/userinfo"],
        "iat": NOW - 3, "exp": NOW + 86_400, "scope": "openid profile email", "azp": "my_client_id",
        "client_id": "my_client_id", "jti": "73WakrfVbNJBaAmhQtEeDv", "permissions": [],
    });
    let header = json!({"alg": "RS256", "typ": "at+jwt", "kid": "rsa-1"});
    let others = [
        json!({"aud": ["https://other.example", "https://YOUR-TENANT.eu.auth0.com/userinfo"]}),
        json!({"aud": "my_client_id"}),
        json!({"iss": "https://YOUR-TENANT.eu.auth0.com"}),
        json!({"iss": "https://OTHER.eu.auth0.com/"}),
    ];
    let caller = "auth0|5f7c8ec7c33c6c004bbafe82";
    check(&issuer, &RSA, (header, claims.clone()), caller, &others).await;
    assert!(issuer.verify(&RSA.sign(&claims)).await.is_err(), "typ JWT: an ID token");
    let profile = Jwt { typ: None, ..settings.clone() };
    let issuer = with_keys(profile, &[RSA.jwk(json!({}))]).await;
    assert!(issuer.verify(&RSA.sign(&claims)).await.is_ok(), "Auth0's own profile");
}

#[tokio::test]
async fn clerk_session_tokens_with_an_audience() {
    let [settings] = &snippets("Clerk")[..] else { panic!("one snippet") };
    let kid = "ins_2abcDEFghiJKLmnoPQRstuVWXyz";
    let issuer = with_keys(settings.clone(), &[RSA.jwk(json!({"kid": kid}))]).await;
    let claims = json!({
        "iss": "https://YOUR-APP.clerk.accounts.dev", "sub": "user_2NNEqL2nrIRdJ194ndJqAHwEfxC",
        "sid": "sess_2GaMqUCB3Sc1WNAkWuNzsnYVVEy", "azp": "https://app.example", "sts": "active",
        "v": 2, "fva": [7, -1], "aud": "valetkey", "jti": "d3f1c0ffee", "iat": NOW - 1,
        "nbf": NOW - 11, "exp": NOW + 59,
    });
    let header = json!({"alg": "RS256", "cat": "cl_B7d4PD111AAA", "kid": kid, "typ": "JWT"});
    let others = [
        json!({"aud": null}),
        json!({"aud": "convex"}),
        json!({"iss": "https://other.clerk.accounts.dev"}),
    ];
    let caller = "user_2NNEqL2nrIRdJ194ndJqAHwEfxC";
    check(&issuer, &RSA, (header, claims), caller, &others).await;
}

#[tokio::test]
async fn supabase_access_tokens_of_both_kinds() {
    let [settings, legacy] = &snippets("Supabase")[..] else { panic!("two snippets") };
    let claims = json!({
        "iss": "https://YOUR-PROJECT.supabase.co/auth/v1", "aud": "authenticated",
        "sub": "123e4567-e89b-12d3-a456-426614174000", "role": "authenticated", "aal": "aal1",
        "session_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890", "email": "a@example.com", "phone": "",
        "app_metadata": {"provider": "email", "providers": ["email"]}, "user_metadata": {},
        "is_anonymous": false, "amr": [{"method": "password", "timestamp": NOW - 9}],
        "iat": NOW - 9, "exp": NOW + 3591,
    });
    let others = [
        json!({"iss": "https://OTHER.supabase.co/auth/v1"}),
        json!({"role": "service_role"}),
        json!({"role": "anon", "aud": null, "iss": "supabase", "sub": null}),
        json!({"aud": "other"}),
    ];
    let caller = "123e4567-e89b-12d3-a456-426614174000";
    let issuer = with_keys(settings.clone(), &[EC.jwk(json!({"key_ops": ["verify"]}))]).await;
    check(&issuer, &EC, (EC.header(), claims.clone()), caller, &others).await;
    let hmac = Signer::hmac(SECRET.as_bytes());
    let issuer = build(legacy, &[("SUPABASE_JWT_SECRET", SECRET)]).unwrap();
    let header = json!({"alg": "HS256", "kid": "rHcKmXXxVbqAlFtZ", "typ": "JWT"});
    check(&issuer, &hmac, (header, claims.clone()), caller, &others).await;
    assert!(issuer.verify(&EC.sign(&claims)).await.is_err());
}

#[tokio::test]
async fn firebase_id_tokens() {
    let [settings] = &snippets("Firebase")[..] else { panic!("one snippet") };
    let keys = [RSA.jwk(json!({})), RSA_2.jwk(json!({}))];
    let issuer = with_keys(settings.clone(), &keys).await;
    let claims = json!({
        "iss": "https://securetoken.google.com/YOUR-PROJECT", "aud": "YOUR-PROJECT",
        "auth_time": NOW - 100, "user_id": "0kqLZbCQ3jYdGgGMlFJhVh3RzCq2",
        "sub": "0kqLZbCQ3jYdGgGMlFJhVh3RzCq2", "iat": NOW - 100, "exp": NOW + 3500,
        "email": "a@example.com", "email_verified": true,
        "firebase": {"identities": {"email": ["a@example.com"]}, "sign_in_provider": "password"},
    });
    let others = [
        json!({"aud": "OTHER", "iss": "https://securetoken.google.com/OTHER"}),
        json!({"aud": "OTHER"}),
        json!({"iss": "https://securetoken.google.com/OTHER"}),
        json!({"iss": "https://session.firebase.google.com/YOUR-PROJECT"}),
    ];
    check(&issuer, &RSA_2, (RSA_2.header(), claims), "0kqLZbCQ3jYdGgGMlFJhVh3RzCq2", &others).await;
}

#[tokio::test]
async fn cognito_access_tokens() {
    let [settings] = &snippets("Cognito")[..] else { panic!("one snippet") };
    let kid = "abcdefghijklmnopqrsexample=";
    let keys = [RSA.jwk(json!({"kid": kid})), RSA_2.jwk(json!({"kid": "a+b/c="}))];
    let issuer = with_keys(settings.clone(), &keys).await;
    let pool = "https://cognito-idp.eu-central-1.amazonaws.com/YOUR-POOL";
    let claims = json!({
        "iss": pool, "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "client_id": "YOUR-APP-CLIENT",
        "token_use": "access", "version": 2, "scope": "openid aws.cognito.signin.user.admin",
        "username": "alice", "cognito:groups": ["voice"], "origin_jti": "0123", "jti": "4567",
        "event_id": "89ab", "auth_time": NOW - 20, "iat": NOW - 20, "exp": NOW + 3580,
    });
    let others = [
        json!({"client_id": "OTHER-APP-CLIENT"}),
        // An ID token: its audience stands in aud.
        json!({"client_id": null, "aud": "YOUR-APP-CLIENT", "token_use": "id"}),
        json!({"token_use": "id"}),
        json!({"iss": "https://cognito-idp.eu-central-1.amazonaws.com/OTHER-POOL"}),
    ];
    let header = json!({"alg": "RS256", "kid": kid});
    check(&issuer, &RSA, (header, claims), "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", &others).await;
}

#[tokio::test]
async fn keycloak_access_tokens() {
    let [settings] = &snippets("Keycloak")[..] else { panic!("one snippet") };
    assert!(matches!(settings.keys, KeySource::Discovery));
    assert!(build(settings, &[]).is_ok());
    // Keycloak's sets have a key for encryption as well.
    let encryption = RSA_2.jwk(json!({"use": "enc", "alg": "RSA-OAEP"}));
    let keys = [encryption, ED.jwk(json!({})), RSA.jwk(json!({"x5c": ["MIIB"], "x5t": "x"}))];
    let issuer = with_keys(settings.clone(), &keys).await;
    let claims = json!({
        "iss": "https://KEYCLOAK.example/realms/YOUR-REALM", "aud": ["valetkey", "account"],
        "sub": "f2b3c4d5-0000-4000-8000-000000000000", "typ": "Bearer", "azp": "my-page",
        "sid": "a1", "acr": "1", "allowed-origins": ["https://app.example"],
        "realm_access": {"roles": ["offline_access", "voice"]}, "preferred_username": "alice",
        "resource_access": {"account": {"roles": ["manage-account"]}}, "scope": "openid profile",
        "jti": "onrtac:1", "iat": NOW - 2, "exp": NOW + 298,
    });
    let others = [
        json!({"aud": "account"}),
        json!({"aud": null}),
        json!({"aud": "my-page", "typ": "ID"}),
        json!({"typ": "ID"}),
        json!({"typ": "Refresh"}),
        json!({"realm_access": {"roles": ["offline_access"]}}),
        json!({"iss": "https://KEYCLOAK.example/realms/OTHER"}),
    ];
    let caller = "f2b3c4d5-0000-4000-8000-000000000000";
    check(&issuer, &RSA, (RSA.header(), claims), caller, &others).await;
}

#[tokio::test]
async fn jwts_of_a_backend_of_ones_own() {
    let [settings] = &snippets("A backend of your own")[..] else { panic!("one snippet") };
    let issuer = build(settings, &[("VOICE_JWT_SECRET", SECRET)]).unwrap();
    let hmac = Signer::hmac(SECRET.as_bytes());
    let claims = json!({"iss": "my-backend", "aud": "valetkey", "sub": "7", "exp": NOW + 300});
    let others =
        [json!({"aud": "other"}), json!({"iss": "other"}), json!({"exp": null}), json!({"sub": 7})];
    let header = json!({"alg": "HS256"});
    check(&issuer, &hmac, (header, claims), "7", &others).await;
}

#[test]
fn every_snippet_of_the_page_is_tested() {
    assert_eq!(PAGE.matches("```toml\n").count(), 8);
}
