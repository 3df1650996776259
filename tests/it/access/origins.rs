//! Which pages may ask, and what browsers are told about it (CORS).

use reqwest::Method;

use super::{Guarded, answer, key, outcome};
use crate::support::{
    http::{Answer, client},
    process::Server,
};

const ALLOWED: &str = "[origins]\nallowed = [\"https://app.example\", \"http://localhost:5173\"]\n";

async fn preflight(server: &Server, path: &str, origin: &str) -> Answer {
    let request = client()
        .request(Method::OPTIONS, format!("{}{path}", server.url))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,x-stainless-os");
    answer(request).await
}

#[tokio::test]
async fn listed_origins_may_ask_and_read_every_answer() {
    let guarded = Guarded::start(ALLOWED);
    for origin in ["https://app.example", "http://localhost:5173"] {
        let preflight = preflight(&guarded.server, "/session", origin).await;
        assert_eq!(preflight.status, 200);
        assert_eq!(preflight.header("access-control-allow-origin"), Some(origin));
        assert_eq!(preflight.header("access-control-allow-credentials"), None);
        let headers = preflight.header("access-control-allow-headers").unwrap();
        assert!(headers.contains("authorization") && headers.contains("x-stainless-os"));
        let session = guarded.session().header("sec-fetch-site", "cross-site");
        for (request, status) in [
            (session, 200),
            (guarded.post("/nowhere"), 404),
            (guarded.post("/tokens/nope"), 404),
            (guarded.session().bearer_auth("x").body("{"), 415),
        ] {
            let answer = answer(request.header("origin", origin)).await;
            assert_eq!(answer.status.as_u16(), status);
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin), "{status}");
            assert!(answer.header("vary").unwrap().contains("origin"), "{status}");
            let exposed = answer.header("access-control-expose-headers").unwrap();
            for header in ["retry-after", "x-request-id", "ratelimit", "ratelimit-policy"] {
                assert!(exposed.split(',').any(|it| it.trim() == header), "{header}: {exposed}");
            }
        }
    }
}

#[tokio::test]
async fn csrf_and_cors_other_origin_with_cookies_null_sub_domain_suffix_port_case() {
    let guarded = Guarded::start(&format!("{ALLOWED}credentials = true\n"));
    for origin in [
        "https://evil.example",
        "null",
        "https://sub.app.example",
        "https://app.example.evil",
        "https://evilapp.example",
        "https://app.example:444",
        "http://app.example",
        "https://APP.example",
        "https://app.example/",
        "https://app.example@evil.example",
        "",
    ] {
        let request = guarded.session().header("origin", origin).header("cookie", "session=1");
        let refused = answer(request.header("sec-fetch-site", "cross-site")).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (403, "origin_not_allowed"));
        assert_eq!(refused.header("access-control-allow-origin"), None, "{origin}");
        let preflight = preflight(&guarded.server, "/session", origin).await;
        assert_eq!(preflight.header("access-control-allow-origin"), None, "{origin}");
    }
    let hidden = guarded.session().header("sec-fetch-site", "cross-site");
    assert_eq!(outcome(hidden).await, "origin_not_allowed", "a page that hides its origin");
    let twice = guarded.session().header("origin", "https://app.example");
    let twice = twice.header("origin", "https://evil.example");
    assert_eq!(outcome(twice).await, "origin_not_allowed");
    assert_eq!(guarded.minted().await, 0, "refused before anything is spent");
    let allowed = answer(guarded.session().header("origin", "https://app.example")).await;
    assert_eq!(allowed.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://app.example"));
}

#[tokio::test]
async fn our_own_pages_need_no_listing() {
    let guarded = Guarded::start("");
    let own = guarded.server.url.clone();
    let same = guarded.session().header("origin", &own).header("sec-fetch-site", "same-origin");
    assert_eq!(outcome(same).await, "ok");
    let port = own.rsplit(':').next().unwrap();
    let local = format!("localhost:{port}");
    let named =
        guarded.session().header("host", &local).header("origin", format!("http://{local}"));
    assert_eq!(outcome(named).await, "ok");
    let other_port = guarded.session().header("origin", "http://127.0.0.1:1");
    assert_eq!(outcome(other_port).await, "origin_not_allowed", "another server on this machine");
}

/// An attacker's name that leads to our address makes the browser send Host and Origin alike.
#[tokio::test]
async fn host_tricks_a_rebound_name_is_no_origin_of_ours() {
    let guarded = Guarded::start("");
    let rebound = guarded
        .session()
        .header("host", "evil.example:8081")
        .header("origin", "http://evil.example:8081")
        .header("sec-fetch-site", "same-origin");
    assert_eq!(outcome(rebound).await, "origin_not_allowed");
    let plain = guarded.session().header("host", "valetkey.internal:8081");
    assert_eq!(outcome(plain).await, "ok", "who is no browser may call it as it likes");
    let known = Guarded::start(&key("a"));
    let page = known
        .session()
        .bearer_auth("vk_a")
        .header("host", "voice.example")
        .header("origin", "https://voice.example");
    assert_eq!(outcome(page).await, "ok", "whoever is known cannot be borrowed in that way");
}

#[tokio::test]
async fn every_page_may_where_all_are_allowed_but_never_with_cookies() {
    for server in [Server::sandbox(&[]), Guarded::start("[origins]\nallowed = [\"*\"]\n").server] {
        let request = client().post(format!("{}/session", server.url));
        let answer = answer(request.header("origin", "https://any.example")).await;
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
}

#[tokio::test]
async fn without_origins_no_other_page_may() {
    let guarded = Guarded::start("");
    let refused = answer(guarded.session().header("origin", "https://any.example")).await;
    assert_eq!(refused.code(), "origin_not_allowed");
    assert_eq!(refused.header("access-control-allow-origin"), None);
    let preflight = preflight(&guarded.server, "/session", "https://any.example").await;
    assert_eq!(preflight.code(), "method_not_allowed");
    let line = guarded.server.log_line(|line| line["code"] == "origin_not_allowed");
    assert!(line["error"].as_str().unwrap().contains("https://any.example"), "{line}");
}
