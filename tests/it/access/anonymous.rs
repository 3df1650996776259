//! Callers who are not known.

use super::{Guarded, key, outcome};
use crate::support::{http::client, process::Server};

#[tokio::test]
async fn anyone_mints_loopback_only_unless_authenticated() {
    let open = Guarded::start("");
    assert_eq!(outcome(open.session()).await, "ok", "on loopback nobody else can ask");
    let ignored = open.session().bearer_auth("whatever an SDK insists on sending");
    assert_eq!(outcome(ignored).await, "ok", "a credential that is no one's does no harm");
    let guarded = Guarded::start(&key("a"));
    assert_eq!(outcome(guarded.session()).await, "unauthenticated");
    assert_eq!(outcome(guarded.get("/tokens")).await, "unauthenticated");
    let sdk = guarded.post("/v1/realtime/client_secrets");
    assert_eq!(outcome(sdk).await, "unauthenticated");
    assert_eq!(guarded.minted().await, 0);
}

#[tokio::test]
async fn a_wrong_credential_is_never_passed_over_for_none() {
    let guarded = Guarded::start(&format!("[auth]\nanonymous = true\n{}", key("a")));
    assert_eq!(outcome(guarded.session()).await, "ok");
    assert_eq!(outcome(guarded.session().bearer_auth("vk_a")).await, "ok");
    for wrong in ["vk_b", "x", "a.b.c"] {
        assert_eq!(outcome(guarded.session().bearer_auth(wrong)).await, "unauthenticated");
    }
}

#[tokio::test]
async fn even_strangers_are_limited_and_each_address_by_itself() {
    let settings = r#"
        [server]
        trusted_proxies = ["127.0.0.1"]
        [auth]
        anonymous = true
        [limits.caller]
        rate = "2/h"
        burst = 2
    "#;
    let guarded = Guarded::start(settings);
    let from = |address: &'static str| guarded.session().header("x-forwarded-for", address);
    for _ in 0..2 {
        assert_eq!(outcome(from("198.51.100.1")).await, "ok");
    }
    assert_eq!(outcome(from("198.51.100.1")).await, "rate_limited");
    assert_eq!(outcome(from("198.51.100.2")).await, "ok");
    assert_eq!(guarded.minted().await, 3);
    let health = guarded.server.post("/healthz").await;
    assert_eq!(health.code(), "method_not_allowed", "what costs nothing is not limited");
}

/// A proxy on the machine that nobody told of would open what is for this machine only.
#[tokio::test]
async fn what_a_local_proxy_passes_on_is_not_from_this_machine() {
    let open = Guarded::start("");
    let with = |name: &'static str, value: &'static str| open.session().header(name, value);
    for (name, value) in [
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-for", "127.0.0.1, 203.0.113.9"),
        ("x-forwarded-for", "203.0.113.9, 127.0.0.1"),
        ("forwarded", "for=203.0.113.9"),
    ] {
        assert_eq!(outcome(with(name, value)).await, "unauthenticated", "{name}: {value}");
    }
    let both = with("forwarded", "for=127.0.0.1").header("x-forwarded-for", "203.0.113.9");
    assert_eq!(outcome(both).await, "unauthenticated");
    let own = with("x-forwarded-for", "127.0.0.1");
    assert_eq!(outcome(own).await, "ok", "a development server on the machine");
    let said = Guarded::start("[auth]\nanonymous = true\n");
    let foreign = said.session().header("x-forwarded-for", "203.0.113.9");
    assert_eq!(outcome(foreign).await, "ok", "where anyone may, so may those");
    let sandbox = Server::sandbox(&[]);
    let tunnelled = client().post(format!("{}/session", sandbox.url));
    let tunnelled = tunnelled.header("x-forwarded-for", "203.0.113.9");
    assert_eq!(outcome(tunnelled).await, "ok", "worthless tokens are for everyone");
}
