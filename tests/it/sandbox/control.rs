//! The control routes, and what the history keeps and does not keep.

use reqwest::Method;
use serde_json::{Value, json};
use valetkey::sandbox::{ELEVENLABS_KEY, XAI_KEY};

use super::support::{SCRIBE_MINT, StandIn, XAI_MINT, sent};

#[tokio::test]
async fn faults_are_listed_replaced_added_and_cleared() {
    let stand_in = StandIn::with_faults(&["xai:hang"]).await;
    let control = async |method, body| stand_in.control(method, "faults", body).await;
    assert_eq!(control(Method::GET, None).await, json!(["xai:hang"]));
    let replaced = control(Method::PUT, Some(json!(["*:drip", "xai:close"]))).await;
    assert_eq!(replaced, json!(["*:drip", "xai:close"]));
    let added = control(Method::POST, Some(json!("xai:empty"))).await;
    assert_eq!(added, json!(["*:drip", "xai:close", "xai:empty"]));
    let added = control(Method::POST, Some(json!(["xai:huge", "*:hang"]))).await;
    assert_eq!(added.as_array().unwrap().len(), 5);
    assert_eq!(control(Method::DELETE, None).await, Value::Null);
    assert_eq!(control(Method::GET, None).await, json!([]));
}

#[tokio::test]
async fn bad_control_requests_change_nothing_and_say_why() {
    let stand_in = StandIn::with_faults(&["xai:hang"]).await;
    let many = json!(vec!["xai:hang"; 257]).to_string();
    for (method, body, status, error) in [
        (Method::PUT, "{", 400, "not JSON"),
        (Method::PUT, r#""xai:hang""#, 422, "must be an array"),
        (Method::PUT, r#"["xai:drip", 5]"#, 422, "text form"),
        (Method::PUT, r#"["xai:drip", "xai:nonsense"]"#, 422, "unknown setting `nonsense`"),
        (Method::POST, r#"["xai:drip", "elevenlabs:nested"]"#, 422, "not possible on elevenlabs"),
        (Method::POST, "{}", 422, "must be one, or an array"),
        (Method::PATCH, "", 405, "does not take that method"),
        (Method::PUT, &many, 409, ""),
    ] {
        let (got, answer) =
            sent(stand_in.request(method, "/_sandbox/faults").body(body.to_owned())).await;
        assert_eq!(got, status, "{body}");
        assert!(answer["error"].as_str().unwrap().contains(error), "{answer}");
    }
    let faults = stand_in.control(Method::GET, "faults", None).await;
    assert_eq!(faults, json!(["xai:hang"]));
    let (status, answer) = sent(stand_in.request(Method::GET, "/_sandbox/nothing")).await;
    assert_eq!(status, 404);
    assert!(answer["error"].is_string());
}

#[tokio::test]
async fn the_index_tells_a_human_what_there_is() {
    let stand_in = StandIn::start().await;
    let (status, index) = sent(stand_in.request(Method::GET, "/_sandbox")).await;
    assert_eq!(status, 200);
    assert_eq!(index["keys"], json!({ "xai": XAI_KEY, "elevenlabs": ELEVENLABS_KEY }));
    assert!(index["settings"].to_string().contains("retry_after=date:7"));
    assert!(index["control"].to_string().contains("/_sandbox/expire"));
}

#[tokio::test]
async fn the_history_has_every_request_and_can_be_forgotten() {
    let stand_in = StandIn::start().await;
    let body = r#"{"expires_after":{"seconds":60},"session":{"model":"m"}}"#;
    let mint = stand_in.mint_at(&format!("{XAI_MINT}?a=b%20c"));
    let mint = mint.header("content-type", "application/json").header("x-stainless-lang", "js");
    let mint = mint.header("x-task", "task_that_is_no_key_at_all");
    assert_eq!(sent(mint.body(body)).await.0, 200);
    sent(stand_in.mint_at("/v1/single-use-token/karaoke")).await;
    sent(stand_in.request(Method::GET, "/v1/nothing")).await;

    let history = stand_in.history().await;
    assert_eq!(history.len(), 3);
    let entry = &history[0];
    assert!(entry["at"].as_u64().unwrap() > 1_700_000_000_000);
    let expected = json!({
        "provider": "xai", "route": "xai/mint", "method": "POST", "path": XAI_MINT,
        "query": { "a": "b c" }, "body": body, "status": 200, "fault": null, "minted": true,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&entry[name], value, "{name}");
    }
    assert_eq!(entry["headers"]["x-stainless-lang"], "js");
    assert_eq!(entry["headers"]["x-task"], "task_that_is_no_key_at_all");
    assert_eq!(history[1]["route"], "elevenlabs/mint");
    assert_eq!((&history[1]["status"], &history[1]["minted"]), (&json!(422), &json!(false)));
    assert_eq!(
        (&history[2]["provider"], &history[2]["route"]),
        (&json!("elevenlabs"), &Value::Null)
    );

    assert_eq!(stand_in.control(Method::DELETE, "history", None).await, Value::Null);
    assert_eq!(stand_in.history().await, Vec::<Value>::new());
}

#[tokio::test]
async fn the_history_and_its_bodies_are_bounded() {
    let stand_in = StandIn::start().await;
    sent(stand_in.mint_at(SCRIBE_MINT).body("ü".repeat(3_000))).await;
    assert_eq!(stand_in.last().await["body"].as_str().unwrap().len(), 4096);
    for n in 0..1_003 {
        sent(stand_in.request(Method::GET, &format!("/v1/nothing/{n}"))).await;
    }
    let history = stand_in.history().await;
    assert_eq!(history.len(), 1_000);
    assert_eq!(history[0]["path"], "/v1/nothing/3");
    assert_eq!(history[999]["path"], "/v1/nothing/1002");
}

/// Shaped like real keys; must be found nowhere.
const REAL_LOOKING: [&str; 3] = [
    "xai-AbCdEf0123456789AbCdEf0123456789AbCdEf0123456789",
    "sk_0123456789abcdef0123456789abcdef0123456789abcdef",
    "plain-secret-without-any-prefix",
];

#[tokio::test]
async fn no_key_ever_enters_the_history() {
    let stand_in = StandIn::start().await;
    for key in REAL_LOOKING {
        let bare = |path: &str| stand_in.post(path);
        for name in ["authorization", "xi-api-key", "cookie", "x-api-key", "proxy-authorization"] {
            sent(bare(XAI_MINT).header(name, key)).await;
        }
        sent(bare(XAI_MINT).bearer_auth(key)).await;
        sent(bare(XAI_MINT).header("authorization", format!("Basic {key}"))).await;
        for name in ["token", "single_use_token", "authorization", "xi_api_key", "api_key"] {
            sent(bare(&format!("/v1/speech-to-text?{name}={key}"))).await;
        }
        for name in ["xai-client-secret", "openai-insecure-api-key"] {
            let protocols = format!("realtime, {name}.{key}");
            let headers = [("sec-websocket-protocol", protocols.as_str())];
            stand_in.refused("/v1/realtime", &headers).await;
        }
    }
    // Where no name gives it away, the looks of a key do.
    for key in &REAL_LOOKING[..2] {
        sent(stand_in.post(XAI_MINT).body(format!(r#"{{"mine":"{key}"}}"#))).await;
        let padded = format!("{}{key}", " ".repeat(4090));
        sent(stand_in.post(XAI_MINT).body(padded)).await;
        sent(stand_in.post(&format!("/v1/unknown/{key}?{key}=1&q={key}"))).await;
        sent(stand_in.post(XAI_MINT).header("x-note", format!("my key is {key}."))).await;
        let protocols = format!("realtime, {key}");
        let headers = [("sec-websocket-protocol", protocols.as_str())];
        stand_in.refused("/v1/realtime", &headers).await;
    }

    let history = Value::from(stand_in.history().await).to_string();
    for key in REAL_LOOKING {
        assert!(!history.contains(&key[..12]), "{key}");
    }
    assert!(history.contains("<other>"));
}

#[tokio::test]
async fn the_history_says_what_kind_of_credential_it_was() {
    let stand_in = StandIn::start().await;
    let secret = stand_in.xai_secret().await;
    let protocols = format!("realtime, openai-insecure-api-key.{secret}, openai-agents-sdk.0.20.0");
    let headers = [("sec-websocket-protocol", protocols.as_str()), ("cookie", "a=b")];
    stand_in.socket("/v1/realtime", &headers).await;
    let token = stand_in.token("realtime_scribe").await;
    stand_in.socket(&format!("/v1/speech-to-text/realtime?token={token}"), &[]).await;

    let history = stand_in.history().await;
    assert_eq!(history[0]["headers"]["authorization"], "Bearer <sandbox key>");
    let offered = "realtime, openai-insecure-api-key.<minted token>, openai-agents-sdk.0.20.0";
    assert_eq!(history[1]["headers"]["sec-websocket-protocol"], offered);
    assert_eq!(history[1]["headers"]["cookie"], "<other>");
    assert_eq!(history[1]["status"], 101);
    assert_eq!(history[2]["headers"]["xi-api-key"], "<sandbox key>");
    assert_eq!(history[3]["query"]["token"], "<minted token>");
    let text = Value::from(history).to_string();
    assert!(!text.contains(&secret) && !text.contains(&token) && !text.contains(XAI_KEY));
}

#[tokio::test]
async fn expire_counts_the_tokens_it_met() {
    let stand_in = StandIn::start().await;
    stand_in.token("batch_scribe").await;
    stand_in.xai_secret().await;
    assert_eq!(sent(stand_in.post("/_sandbox/expire")).await, (200, json!({ "expired": 2 })));
}
