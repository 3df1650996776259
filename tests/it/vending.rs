//! Every route, when all goes well, over the real program and the sandbox.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::support::{
    http::{Answer, client, get, post},
    now,
    process::{Server, valetkey},
};

const TYPES: [&str; 4] = ["batch_scribe", "realtime_scribe", "tts_websocket", "xai_realtime"];

#[tokio::test]
async fn session_answers_as_xai_does() {
    let server = Server::sandbox(&[]);
    for path in ["/session", "/v1/realtime/client_secrets"] {
        let answer = server.post(path).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.check_headers();
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("valetkey-sandbox"), Some("1"));
        let body = answer.json();
        let fields: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["expires_at", "value"]);
        assert!(body["value"].as_str().unwrap().contains("sandbox"));
        let lifetime = body["expires_at"].as_u64().unwrap() - now();
        assert!((295..=301).contains(&lifetime), "{lifetime}");
    }
}

#[tokio::test]
async fn tokens_answer_says_how_to_connect_and_each_is_another() {
    let server = Server::sandbox(&[]);
    let mut seen = HashSet::new();
    for name in TYPES.repeat(3) {
        let answer = server.post(&format!("/tokens/{name}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.check_headers();
        let body = answer.json();
        assert_eq!(body["type"], name);
        assert_eq!(body["single_use"], name != "xai_realtime");
        let lifetime = if name == "xai_realtime" { 300 } else { 900 };
        let expires_in = body["expires_in"].as_u64().unwrap();
        assert!((lifetime - 5..=lifetime).contains(&expires_in), "{expires_in}");
        assert!(body["expires_at"].as_u64().unwrap().abs_diff(now() + lifetime) < 5);

        let token = answer.token();
        let protocol = format!("xai-client-secret.{token}");
        let (url, protocols) = match name {
            "xai_realtime" => ("ws:/v1/realtime?model=grok-voice-latest", json!([protocol])),
            "realtime_scribe" => (
                "ws:/v1/speech-to-text/realtime?model_id=scribe_v2_realtime&token=TOKEN",
                json!([]),
            ),
            "batch_scribe" => ("http:/v1/speech-to-text?token=TOKEN", Value::Null),
            _ => (
                "ws:/v1/text-to-speech/JBFqnCBsd6RMkjVDRZzb/stream-input\
                 ?model_id=eleven_flash_v2_5&single_use_token=TOKEN",
                json!([]),
            ),
        };
        let host = server.stand_ins.trim_start_matches("http");
        let url = url.replacen(':', host, 1).replace("TOKEN", &token);
        assert_eq!((&body["url"], &body["protocols"]), (&json!(url), &protocols));
        assert!(seen.insert(token), "{name} is handed out twice");
    }
}

#[tokio::test]
async fn single_use_token_answers_as_elevenlabs_does() {
    let server = Server::sandbox(&[]);
    for name in ["realtime_scribe", "batch_scribe", "tts_websocket"] {
        let answer = server.post(&format!("/v1/single-use-token/{name}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let body = answer.json();
        assert_eq!(body.as_object().unwrap().len(), 1);
        assert!(body["token"].as_str().unwrap().contains("sandbox"));
    }
}

#[tokio::test]
async fn the_list_shows_what_can_be_had() {
    let server = Server::sandbox(&[]);
    let answer = server.get("/tokens").await;
    answer.check_headers();
    insta::assert_json_snapshot!(answer.json());
    assert!(server.history().await.is_empty(), "listing mints nothing");
}

#[tokio::test]
async fn a_type_without_a_key_is_not_listed_and_says_so() {
    let sandbox = Server::sandbox(&[]);
    let server = Server::start(
        valetkey(&["serve"])
            .env("XAI_API_KEY", crate::support::XAI_KEY)
            .env("VALETKEY__PROVIDERS__XAI__BASE_URL", &sandbox.stand_ins),
    );
    let listed = server.get("/tokens").await.json();
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 1);
    assert_eq!(listed["tokens"][0]["type"], "xai_realtime");
    let answer = server.post("/tokens/tts_websocket").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "token_type_disabled"));
    assert_eq!(answer.header("x-should-retry"), Some("false"));
    server.log_line(|line| line["code"] == "token_type_disabled");
    assert_eq!(server.post("/session").await.status, 200);
    let off = |line: &&Value| line["message"].as_str().unwrap().starts_with("off");
    assert_eq!(server.log().iter().filter(off).count(), 1, "once, for all its types");
}

#[tokio::test]
async fn all_the_ways_of_asking_for_the_default() {
    let server = Server::sandbox(&[]);
    for path in ["/session", "/tokens/xai_realtime", "/tokens/realtime_scribe"] {
        let url = format!("{}{path}", server.url);
        let ask = || client().post(&url);
        let json = || ask().header("content-type", "application/json");
        let requests = [
            ask(),
            ask().header("content-length", "0"),
            ask().header("content-type", "text/plain"),
            json(),
            json().body("{}"),
            json().body(" {\n} "),
            json().body(r#"{"expires_after":{}}"#),
            ask().header("content-type", "application/json; charset=utf-8").body("{}"),
            ask().header("content-type", "Application/JSON;charset=\"UTF-8\"").body("{}"),
        ];
        for request in requests {
            let answer = Answer::to(request).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_lifetime_can_be_asked_for_within_bounds() {
    let server = Server::sandbox(&[]);
    for seconds in [1, 60, 3600] {
        let body = format!(r#"{{"expires_after":{{"seconds":{seconds}}}}}"#);
        for path in ["/session", "/tokens/xai_realtime", "/v1/realtime/client_secrets"] {
            let answer = server.post_json(path, body.clone()).await;
            let expires_at = answer.json()["expires_at"].as_u64().unwrap();
            assert!(expires_at.abs_diff(now() + seconds) <= 2, "{path} for {seconds} s");
        }
    }
}

#[tokio::test]
async fn of_a_body_the_lifetime_alone_is_sent_on() {
    let server = Server::sandbox(&[]);
    for (path, body, sent) in [
        // OpenAI's anchor is taken on its own path.
        (
            "/v1/realtime/client_secrets",
            r#"{"expires_after":{"anchor":"created_at","seconds":120}}"#,
            r#"{"expires_after":{"seconds":120}}"#,
        ),
        // Fields that the type declares are taken and change nothing.
        (
            "/tokens/xai_realtime",
            r#"{"sessionConfig":{"voice":"x"}}"#,
            r#"{"expires_after":{"seconds":300}}"#,
        ),
    ] {
        let answer = server.post_json(path, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(server.history().await.pop().unwrap()["body"], sent);
    }
}

#[tokio::test]
async fn on_the_wire_to_xai() {
    let server = Server::sandbox(&[]);
    server.post("/session").await;
    let sent = server.history().await[0].clone();
    assert_eq!(sent["method"], "POST");
    assert_eq!(sent["path"], "/v1/realtime/client_secrets");
    assert_eq!(sent["query"], json!({}));
    assert_eq!(sent["body"], r#"{"expires_after":{"seconds":300}}"#);
    assert_eq!(sent["minted"], true);
    let headers = sent["headers"].as_object().unwrap();
    let names: Vec<&String> = headers.keys().collect();
    let expected =
        ["accept", "authorization", "content-length", "content-type", "host", "user-agent"];
    assert_eq!(names, expected);
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["user-agent"], concat!("valetkey/", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn on_the_wire_to_elevenlabs() {
    let server = Server::sandbox(&[]);
    for name in ["realtime_scribe", "batch_scribe", "tts_websocket"] {
        server.post(&format!("/tokens/{name}")).await;
        let sent = server.history().await.pop().unwrap();
        assert_eq!(sent["method"], "POST");
        assert_eq!(sent["path"], format!("/v1/single-use-token/{name}"));
        assert_eq!(sent["query"], json!({}));
        assert_eq!(sent["body"], Value::Null);
        let headers = sent["headers"].as_object().unwrap();
        let names: Vec<&String> = headers.keys().collect();
        assert_eq!(names, ["accept", "content-length", "host", "user-agent", "xi-api-key"]);
        assert_eq!(headers["content-length"], "0");
    }
}

#[tokio::test]
async fn health_is_on_both_listeners() {
    let server = Server::sandbox(&[]);
    for base in [&server.url, &server.admin] {
        let alive = get(&format!("{base}/healthz")).await;
        assert_eq!((alive.status.as_u16(), alive.text.as_str()), (200, r#"{"status":"ok"}"#));
        let ready = get(&format!("{base}/readyz")).await;
        assert_eq!((ready.status.as_u16(), &ready.json()["status"]), (200, &json!("ready")));
        ready.check_headers();
        let is_public = *base == server.url;
        assert_eq!(ready.text == r#"{"status":"ready"}"#, is_public, "detail is for the operator");
    }
    let vending = post(&format!("{}/session", server.admin)).await;
    assert_eq!(vending.code(), "not_found", "the admin listener vends nothing");
}

#[tokio::test]
async fn the_callers_request_id_is_kept() {
    let server = Server::sandbox(&[]);
    let url = format!("{}/session", server.url);
    let ask = |id: &str| Answer::to(client().post(&url).header("x-request-id", id));
    assert_eq!(ask("a-1.b_2").await.header("x-request-id"), Some("a-1.b_2"));
    let replaced = ask("<script>").await;
    assert_ne!(replaced.header("x-request-id"), Some("<script>"));
}

#[tokio::test]
async fn a_second_account_and_further_types_are_configuration() {
    let sandbox = Server::sandbox(&[]);
    let server = Server::start(
        valetkey(&["serve", "--config", "config/second-account.toml"])
            .env("EU_KEY", crate::support::ELEVENLABS_KEY)
            .env("VALETKEY__PROVIDERS__ELEVENLABS_EU__BASE_URL", &sandbox.stand_ins),
    );
    let body = server.post("/tokens/scribe_eu").await.json();
    assert_eq!(body["provider"], "elevenlabs_eu");
    assert!(
        body["url"]
            .as_str()
            .unwrap()
            .contains("language_code=de&model_id=scribe_v2_realtime&token=")
    );
    let body = server.post("/session").await.json();
    assert!(body["token"].is_string(), "POST /session vends another provider's type in its shape");
}
