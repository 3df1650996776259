//! No key and no token in any output, whatever happens and however much is logged.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::support::{
    ELEVENLABS_KEY, XAI_KEY,
    http::get,
    process::{self, Server, until, valetkey, vending_from},
    socket::Socket,
};

/// Every fault that there is, as the stand-ins list them.
const FAULTS: &str = "
    *:latency=1ms *:status=400 *:status=401 *:status=403 *:status=429,retry_after=1 *:status=500
    *:status=503 *:revoked *:reset=before *:reset=body *:close *:hang *:drip *:garbage
    *:not_json *:empty *:huge *:wrong_types *:redirect *:bad_token xai/mint:nested
    xai/mint:expiry=past xai/mint:expiry=far elevenlabs/mint:status=401,code=missing_permissions
    elevenlabs/mint:status=500,body=text
";

/// A route of each shape.
const PATHS: [&str; 3] =
    ["/session", "/tokens/realtime_scribe", "/v1/single-use-token/tts_websocket"];

/// The ways in which a secret could be written.
fn spellings(secret: &str) -> Vec<String> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let list: Vec<String> = secret.bytes().map(|byte| byte.to_string()).collect();
    let escaped = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    vec![
        secret.to_owned(),
        STANDARD.encode(secret).trim_end_matches('=').to_owned(),
        STANDARD.encode(format!("Bearer {secret}")).trim_end_matches('=').to_owned(),
        hex.to_uppercase(),
        hex,
        list.join(", "),
        escaped,
    ]
}

fn assert_absent(secret: &str, output: &str) {
    for spelling in spellings(secret) {
        if let Some(at) = output.find(&spelling) {
            let from = output[..at].rfind('\n').map_or(0, |end| end + 1);
            let line = output[from..].lines().next().unwrap_or_default();
            panic!("a secret was printed as {spelling}: {line}");
        }
    }
}

#[tokio::test]
async fn every_fault_at_trace_leaks_nothing() {
    // The stand-ins run in a process of their own: what they log is their business.
    let sandbox = Server::sandbox(&[]);
    let server = Server::start(
        vending_from(&mut valetkey(&["serve"]), &sandbox.stand_ins)
            .env("VALETKEY__PROVIDERS__XAI__TIMEOUT", "300ms")
            .env("VALETKEY__PROVIDERS__ELEVENLABS__TIMEOUT", "300ms")
            .env("VALETKEY__LOG__FILTER", "trace"),
    );
    let index = get(&format!("{}/_sandbox", sandbox.stand_ins)).await.json();
    for setting in index["settings"].as_array().unwrap() {
        let name = setting.as_str().unwrap().split(['=', ':', ' ']).next().unwrap();
        let is_tried = |fault: &str| fault.split([':', ',', '=']).any(|word| word == name);
        let modifies = ["times", "spread"].contains(&name);
        assert!(modifies || FAULTS.split_whitespace().any(is_tried), "{name} is not tried");
    }
    let mut secrets = vec![XAI_KEY.to_owned(), ELEVENLABS_KEY.to_owned()];
    let mut answers = String::new();
    // On a busy machine the first may take longer than a mint may here.
    for path in PATHS {
        let minted = async || server.post(path).await.status.is_success().then_some(());
        until(minted, || server.output()).await;
    }
    for fault in std::iter::once("").chain(FAULTS.split_whitespace()) {
        sandbox.set_faults(&[fault][usize::from(fault.is_empty())..]).await;
        for path in PATHS {
            let answer = server.post(path).await;
            if answer.status.is_success() {
                secrets.push(answer.token());
            } else {
                answers.push_str(&answer.text);
            }
        }
    }
    answers.push_str(&server.post_json("/session", "[]").await.text);
    answers.push_str(&server.get("/tokens").await.text);
    assert!(secrets.len() > 5, "no token was vended");
    let output = server.end();
    assert!(output.contains("\"level\":\"TRACE\""), "nothing was traced");
    for secret in &secrets {
        assert_absent(secret, &output);
        assert_absent(secret, &answers);
    }
}

#[tokio::test]
async fn the_sandbox_logs_no_token_either() {
    let server = Server::start(process::sandbox().env("VALETKEY__LOG__FILTER", "trace"));
    let mut secrets = vec![XAI_KEY.to_owned(), ELEVENLABS_KEY.to_owned()];
    for name in ["xai_realtime", "realtime_scribe", "tts_websocket"] {
        let body = server.post(&format!("/tokens/{name}")).await.json();
        let token = body["token"].as_str().unwrap().to_owned();
        let url = body["url"].as_str().unwrap();
        let protocols: Vec<&str> = body["protocols"][0].as_str().into_iter().collect();
        Socket::open(url, &protocols).await.send(&json!({ "text": token })).await;
        secrets.push(token);
    }
    let output = server.end();
    for secret in &secrets {
        assert_absent(secret, &output);
    }
}
