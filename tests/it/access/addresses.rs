//! The client's address behind proxies.

use super::{Guarded, outcome};

const TWO: &str = r#"
    [auth]
    anonymous = true
    [limits.address]
    rate = "2/h"
    burst = 2
    [limits.caller]
    mode = "off"
"#;

#[tokio::test]
async fn forwarded_header_spoofing_without_a_trusted_proxy_is_of_no_use() {
    let guarded = Guarded::start(TWO);
    for n in 0..2 {
        let spoofed = guarded.session().header("x-forwarded-for", format!("203.0.113.{n}"));
        assert_eq!(outcome(spoofed).await, "ok");
    }
    for n in 0..20 {
        let spoofed = guarded
            .session()
            .header("x-forwarded-for", format!("203.0.113.{n}"))
            .header("forwarded", format!("for=203.0.113.{n}"))
            .header("x-real-ip", format!("203.0.113.{n}"));
        assert_eq!(outcome(spoofed).await, "rate_limited");
    }
    guarded.server.log_line(|line| {
        line["message"].as_str().is_some_and(|text| text.contains("server.trusted_proxies"))
    });
    assert_eq!(guarded.minted().await, 2);
}

#[tokio::test]
async fn forwarded_header_spoofing_behind_a_trusted_proxy_is_of_no_use_either() {
    let settings = format!("[server]\ntrusted_proxies = [\"127.0.0.0/8\"]\n{TWO}");
    let guarded = Guarded::start(&settings);
    let via = |spoofed: &str, client: &str| {
        guarded.session().header("x-forwarded-for", format!("{spoofed}, {client}"))
    };
    for n in 0..2 {
        assert_eq!(outcome(via(&format!("203.0.113.{n}"), "198.51.100.1")).await, "ok");
    }
    for n in 0..20 {
        let spoofed = via(&format!("203.0.113.{n}"), "198.51.100.1");
        assert_eq!(outcome(spoofed).await, "rate_limited");
    }
    assert_eq!(outcome(via("198.51.100.1", "198.51.100.2")).await, "ok", "someone else");
    let in_forwarded = guarded.session().header("forwarded", "for=198.51.100.3;proto=https");
    assert_eq!(outcome(in_forwarded).await, "ok");
}

#[tokio::test]
async fn ipv6_rotation_in_a_64_is_one_client() {
    let settings = format!("[server]\ntrusted_proxies = [\"127.0.0.0/8\"]\n{TWO}");
    let guarded = Guarded::start(&settings);
    let from =
        |host: &str| guarded.session().header("x-forwarded-for", format!("2001:db8:1:2:{host}"));
    assert_eq!(outcome(from("aaaa::1")).await, "ok");
    assert_eq!(outcome(from("bbbb::2")).await, "ok");
    assert_eq!(outcome(from("cccc::3")).await, "rate_limited");
    let neighbour = guarded.session().header("x-forwarded-for", "2001:db8:1:3::1");
    assert_eq!(outcome(neighbour).await, "ok");
}
