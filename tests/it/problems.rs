//! Every way a caller can go wrong, and what it is told.

use reqwest::Method;

use crate::support::{
    http::{Answer, client, get, post, post_as, post_json, send},
    process::{Server, sandbox},
};

/// Keeps a problem as a snapshot: the document, without what differs each time, and its headers.
fn keep(name: &str, answer: &Answer) {
    answer.code();
    let headers = ["allow", "retry-after", "x-should-retry"].iter();
    let headers = headers.filter_map(|name| Some(format!("{name}: {}\n", answer.header(name)?)));
    let status = answer.status;
    let document = serde_json::to_string_pretty(&answer.json()).unwrap();
    insta::with_settings!({filters => vec![(r#""request_id": "[^"]+""#, r#""request_id": "…""#)]}, {
        let text = format!("{status}\n{}\n{document}", headers.collect::<String>());
        insta::assert_snapshot!(format!("problem_{name}"), text);
    });
}

#[tokio::test]
async fn problems_of_requests_look_like_this() {
    let server = Server::sandbox(&[]);
    let at = |path: &str| format!("{}{path}", server.url);
    keep("not_found", &get(&at("/nowhere")).await);
    keep("method_not_allowed", &get(&at("/session")).await);
    keep("unknown_token_type", &post(&at("/tokens/realtime_scrib")).await);
    keep("unknown_single_use_type", &post(&at("/v1/single-use-token/xai_realtime")).await);
    keep("malformed_request", &post_json(&at("/session"), "{").await);
    keep("unsupported_media_type", &post_as(&at("/session"), "text/plain", "{}").await);
    keep("body_too_large", &post_json(&at("/session"), " ".repeat(20_000)).await);
    keep("unknown_field", &post_json(&at("/session"), r#"{"session":{}}"#).await);
    let too_long = r#"{"expires_after":{"seconds":3601}}"#;
    keep("ttl_out_of_bounds", &post_json(&at("/session"), too_long).await);
    keep("ttl_is_fixed", &post_json(&at("/tokens/batch_scribe"), too_long).await);
    let sdk = at("/v1/realtime/client_secrets");
    keep("unknown_field_for_an_sdk", &post_json(&sdk, r#"{"model":"x"}"#).await);
}

#[tokio::test]
async fn problems_with_the_provider_look_like_this() {
    let faults = [
        ("provider_refused", "revoked"),
        ("provider_invalid_response", "not_json"),
        ("provider_unavailable", "close"),
        ("provider_rate_limited", "status=429,retry_after=date:400"),
        ("provider_timeout", "hang"),
    ];
    for (code, fault) in faults {
        // The server remembers how its provider behaved.
        let server = Server::start(sandbox().env("VALETKEY__PROVIDERS__XAI__TIMEOUT", "300ms"));
        server.set_faults(&[&format!("xai/mint:{fault}")]).await;
        keep(code, &server.post("/session").await);
    }
}

#[tokio::test]
async fn what_is_not_json_is_400_and_what_is_not_ours_422() {
    let server = Server::sandbox(&[]);
    let cases = [
        ("{", "malformed_request", "not JSON"),
        ("{}{}", "malformed_request", "not JSON"),
        ("nonsense", "malformed_request", "not JSON"),
        ("{\"a\":\"\\ud800\"}", "malformed_request", "not JSON"),
        ("[]", "invalid_request", "must be a JSON object"),
        (r#"["x",5]"#, "invalid_request", "must be a JSON object"),
        ("null", "invalid_request", "must be a JSON object"),
        ("5", "invalid_request", "must be a JSON object"),
        (r#"{"model":"x"}"#, "invalid_request", "`model`"),
        (r#"{"Expires_after":{}}"#, "invalid_request", "`Expires_after`"),
        (r#"{"expires_after":5}"#, "invalid_request", "`expires_after` must be a JSON object"),
        (r#"{"expires_after":null}"#, "invalid_request", "`expires_after` must be a JSON object"),
        (r#"{"expires_after":[5]}"#, "invalid_request", "`expires_after` must be a JSON object"),
        (r#"{"expires_after":{"seconds":"5"}}"#, "invalid_request", "`expires_after.seconds`"),
        (r#"{"expires_after":{"seconds":5.5}}"#, "invalid_request", "`expires_after.seconds`"),
        (r#"{"expires_after":{"seconds":-5}}"#, "invalid_request", "`expires_after.seconds`"),
        (r#"{"expires_after":{"seconds":0}}"#, "invalid_request", "from 1 to 3600"),
        (r#"{"expires_after":{"seconds":99999999999}}"#, "invalid_request", "from 1 to 3600"),
        (r#"{"expires_after":{"minutes":5}}"#, "invalid_request", "`expires_after.minutes`"),
        (
            r#"{"expires_after":{"anchor":"created_at"}}"#,
            "invalid_request",
            "`expires_after.anchor`",
        ),
        (r#"{"expires_after.anchor":1}"#, "invalid_request", "`expires_after.anchor`"),
        (r#"{"a at line b":1,"a at line b":2}"#, "invalid_request", "`a at line b` twice"),
        (r#"{"\u0061":1,"a":2}"#, "invalid_request", "`a` twice"),
        (r#"{"sessionConfig":{"x":[{"b":1,"b":2}]}}"#, "invalid_request", "`b` twice"),
        (r#"{"sessionConfig":[[[[[[[[1]]]]]]]]}"#, "invalid_request", "deeper than 8"),
        (r#"{"expires_after":{},"expires_after":{}}"#, "invalid_request", "`expires_after` twice"),
        (
            r#"{"expires_after":{"seconds":1,"seconds":2}}"#,
            "invalid_request",
            "`expires_after` has the field `seconds` twice",
        ),
    ];
    for (body, code, detail) in cases {
        let answer = server.post_json("/session", body).await;
        assert_eq!(answer.code(), code, "{body}");
        let told = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(told.contains(detail), "{body}: {told}");
    }
    // On OpenAI's own path its anchor is known, and nothing else that looks like it.
    for body in
        [r#"{"expires_after.anchor":"created_at"}"#, r#"{"expires_after":{"anchor":"now"}}"#]
    {
        let answer = server.post_json("/v1/realtime/client_secrets", body).await;
        assert_eq!(answer.code(), "invalid_request", "{body}");
        assert_eq!(answer.json()["error"]["message"], answer.json()["detail"], "{body}");
    }
    assert!(server.history().await.is_empty(), "a refused request costs nothing");
    let padded = |length: usize| format!("{{{}}}", " ".repeat(length - 2));
    assert_eq!(server.post_json("/session", padded(16 * 1024 + 1)).await.code(), "body_too_large");
    assert_eq!(server.post_json("/session", padded(16 * 1024)).await.status, 200);
}

#[tokio::test]
async fn a_long_name_is_not_repeated_whole() {
    let server = Server::sandbox(&[]);
    let long = "é".repeat(5000);
    let twice = format!(r#"{{"{0}":1,"{0}":2}}"#, "\\u001b[2J".repeat(900));
    for body in [format!(r#"{{"{long}":1}}"#), twice] {
        let answer = server.post_json("/session", body).await;
        assert_eq!(answer.code(), "invalid_request");
        assert!(answer.text.chars().count() < 600, "{}", answer.text);
        assert!(!answer.text.contains("\\u001b"), "{}", answer.text);
    }
    assert!(server.end().chars().count() < 5000);
}

#[tokio::test]
async fn media_types_other_than_json_are_refused() {
    let server = Server::sandbox(&[]);
    let url = format!("{}/session", server.url);
    let types = [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/foo+json",
        "application/jsonx",
        "application/json; charset=utf-16",
        "application/json; charset = utf-16",
        "application/json, application/json",
    ];
    for media_type in types {
        assert_eq!(post_as(&url, media_type, "{}").await.code(), "unsupported_media_type");
    }
    let bare = || client().post(&url).body("{}");
    let json = || bare().header("content-type", "application/json");
    for (request, what) in [
        (bare(), "a body without a type"),
        (json().header("content-type", "text/plain"), "two types"),
        (json().header("content-encoding", "gzip"), "a packed body"),
    ] {
        assert_eq!(Answer::to(request).await.code(), "unsupported_media_type", "{what}");
    }
}

/// Whatever is asked of whatever path: an answer that is no success is a problem document.
#[tokio::test]
async fn every_answer_that_is_no_success_is_a_problem() {
    let server = Server::sandbox(&[]);
    let paths = "/ /session /session/ /tokens /tokens/ /tokens/x /tokens/%ff /tokens/a/b \
                 /v1/realtime/client_secrets /v1/realtime /v1/single-use-token/x \
                 /v1/single-use-token/%00 /healthz /readyz /metrics /openapi.json /docs //session \
                 /%2e%2e/session /SESSION";
    let methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"];
    let mut refused = 0;
    for base in [&server.url, &server.admin] {
        for path in paths.split(' ') {
            for method in methods {
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                let answer = send(method.clone(), &format!("{base}{path}")).await;
                if answer.status.is_success() {
                    answer.check_headers();
                    continue;
                }
                let code = answer.code();
                assert_eq!(
                    code == "method_not_allowed",
                    answer.header("allow").is_some(),
                    "{method} {path}"
                );
                refused += 1;
            }
        }
    }
    assert!(refused > 200, "only {refused} were refused");
    for (path, status) in [("/readyz", 200), ("/nowhere", 404)] {
        let answer = send(Method::HEAD, &format!("{}{path}", server.url)).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (status, ""));
    }
}
