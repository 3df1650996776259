//! Every way a provider can fail, made by the sandbox, and what a caller is told then.

use std::{io::Write as _, net::TcpStream};

use serde_json::json;

use crate::support::{
    http::{Answer, get},
    process::{Server, sandbox, until, valetkey},
    settings_file,
};

/// A fault at the mint route of either provider, and the answer it must lead to.
struct Case {
    fault: &'static str,
    status: u16,
    code: &'static str,
}

const fn case(fault: &'static str, status: u16, code: &'static str) -> Case {
    Case { fault, status, code }
}

/// What is alike for both providers.
const BOTH: &[Case] = &[
    case("latency=1ms,spread=2ms", 200, ""),
    case("status=400", 502, "provider_refused"),
    case("status=401", 502, "provider_refused"),
    case("status=403", 502, "provider_refused"),
    case("status=404", 502, "provider_refused"),
    case("status=422", 502, "provider_refused"),
    case("revoked", 502, "provider_refused"),
    case("status=408", 503, "provider_unavailable"),
    case("status=429", 503, "provider_rate_limited"),
    case("status=429,retry_after=7", 503, "provider_rate_limited"),
    case("status=500", 503, "provider_unavailable"),
    case("status=503,retry_after=9", 503, "provider_unavailable"),
    case("status=529", 503, "provider_unavailable"),
    case("reset=before", 503, "provider_unavailable"),
    case("close", 503, "provider_unavailable"),
    case("hang", 504, "provider_timeout"),
    case("drip", 504, "provider_timeout"),
    case("latency=30s", 504, "provider_timeout"),
    case("reset=body", 502, "provider_invalid_response"),
    case("garbage", 502, "provider_invalid_response"),
    case("not_json", 502, "provider_invalid_response"),
    case("empty", 502, "provider_invalid_response"),
    case("huge", 502, "provider_invalid_response"),
    case("wrong_types", 502, "provider_invalid_response"),
    case("redirect", 502, "provider_invalid_response"),
    case("bad_token", 502, "provider_invalid_response"),
];

const XAI: &[Case] = &[
    case("nested", 200, ""),
    case("expiry=milliseconds", 200, ""),
    case("expiry=none", 200, ""),
    case("expiry=past", 502, "provider_invalid_response"),
    case("expiry=far", 502, "provider_invalid_response"),
];

const ELEVENLABS: &[Case] = &[
    case("status=401,code=missing_permissions", 502, "provider_refused"),
    case("status=401,code=quota_exceeded", 502, "provider_refused"),
    case("status=402", 502, "provider_refused"),
    case("status=422,body=list", 502, "provider_refused"),
    case("status=401,body=string", 502, "provider_refused"),
    case("status=500,body=text", 503, "provider_unavailable"),
    case("status=429,body=text", 503, "provider_rate_limited"),
];

/// A server whose providers have little time, so that a hang is soon over.
fn server() -> Server {
    Server::start(
        sandbox()
            .env("VALETKEY__PROVIDERS__XAI__TIMEOUT", "400ms")
            .env("VALETKEY__PROVIDERS__ELEVENLABS__TIMEOUT", "400ms"),
    )
}

/// As [`server`], with as many providers of a kind, each with a token type `case_…`: one remembers how it
/// was treated.
fn server_with(count: usize, kind: &str, product: &str) -> Server {
    let section = |case| {
        format!(
            "[providers.case_{case}]\nkind = \"{kind}\"\nbase_url = \"http://127.0.0.1\"\n\
             api_keys = [\"env:KEY\"]\ntimeout = \"400ms\"\n\
             [tokens.case_{case}]\nprovider = \"case_{case}\"\nproduct = \"{product}\"\n"
        )
    };
    let file = settings_file(&(0..count).map(section).collect::<String>());
    let path = file.path().to_str().unwrap();
    Server::sandbox(&["--config", path])
}

async fn check(server: &Server, provider: &str, path: &str, case: &Case) {
    server.set_faults(&[&format!("{provider}/mint:{}", case.fault)]).await;
    let answer = server.post(path).await;
    let told = format!("{provider} {}: {}", case.fault, answer.text);
    assert_eq!(answer.status.as_u16(), case.status, "{told}");
    if case.status == 200 {
        return;
    }
    assert_eq!(answer.code(), case.code, "{told}");
    let permanent = case.code == "provider_refused";
    assert_eq!(answer.header("x-should-retry"), permanent.then_some("false"), "{told}");
    if let Some((_, seconds)) = case.fault.split_once("retry_after=") {
        assert_eq!(answer.header("retry-after"), Some(seconds), "{told}");
    }
    says_nothing_of_the_provider(&answer);
}

/// The stand-ins' messages hold words that no message of ours has.
fn says_nothing_of_the_provider(answer: &Answer) {
    for word in
        ["Incorrect API key", "console.x.ai", "xa*", "team", "detail\":{", "sandbox-key", "<html"]
    {
        assert!(!answer.text.contains(word), "{word}: {}", answer.text);
    }
}

/// A fault that the sandbox learns has to be tried here.
#[tokio::test]
async fn every_fault_there_is_is_tried() {
    let server = server();
    let index = get(&format!("{}/_sandbox", server.stand_ins)).await.json();
    let tried: Vec<&str> = BOTH.iter().chain(XAI).chain(ELEVENLABS).map(|it| it.fault).collect();
    for setting in index["settings"].as_array().unwrap() {
        let name = setting.as_str().unwrap().split(['=', ':', ' ']).next().unwrap();
        // `times` says for how long, not what.
        let is_tried = |fault: &&str| fault.split([',', '=']).any(|word| word == name);
        assert!(name == "times" || tried.iter().any(is_tried), "{name} is not tried");
    }
}

#[tokio::test]
async fn every_fault_of_xai() {
    let cases: Vec<_> = BOTH.iter().chain(XAI).collect();
    let server = server_with(cases.len(), "xai", "realtime\"\nttl = \"5m\"\nmax_ttl = \"1h");
    for (number, case) in cases.into_iter().enumerate() {
        check(&server, "xai", &format!("/tokens/case_{number}"), case).await;
    }
}

#[tokio::test]
async fn every_fault_of_elevenlabs() {
    let cases: Vec<_> = BOTH.iter().chain(ELEVENLABS).collect();
    let server = server_with(cases.len(), "elevenlabs", "realtime_scribe");
    for (number, case) in cases.into_iter().enumerate() {
        check(&server, "elevenlabs", &format!("/tokens/case_{number}"), case).await;
    }
}

#[tokio::test]
async fn faults_look_the_same_on_every_minting_route() {
    let server = server();
    server.set_faults(&["*:status=429,retry_after=30"]).await;
    let paths = [
        "/session",
        "/tokens/xai_realtime",
        "/tokens/realtime_scribe",
        "/tokens/batch_scribe",
        "/tokens/tts_websocket",
        "/v1/realtime/client_secrets",
        "/v1/single-use-token/tts_websocket",
    ];
    for path in paths {
        let answer = server.post(path).await;
        assert_eq!(answer.code(), "provider_rate_limited", "{path}");
        // Only the first one waits for as long as the provider said; for the others some has passed.
        let wait = answer.json()["retry_after"].as_u64().unwrap();
        assert!((10..=30).contains(&wait), "{path}: {wait}");
        assert_eq!(answer.json()["error"].is_object(), path.starts_with("/v1/"), "{path}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_key_goes_nowhere() {
    let server = server();
    server.set_faults(&["*:redirect"]).await;
    server.post("/session").await;
    server.post("/tokens/tts_websocket").await;
    let history = server.history().await;
    let paths: Vec<&str> = history.iter().map(|it| it["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["/v1/realtime/client_secrets", "/v1/single-use-token/tts_websocket"]);
}

#[tokio::test]
async fn a_proxy_in_the_environment_is_not_obeyed() {
    let sandbox = Server::sandbox(&[]);
    let mut command = valetkey(&["serve"]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"]
    {
        command.env(name, "http://127.0.0.1:1");
    }
    let server = Server::start(
        command
            .env("XAI_API_KEY", crate::support::XAI_KEY)
            .env("VALETKEY__PROVIDERS__XAI__BASE_URL", &sandbox.stand_ins),
    );
    assert_eq!(server.post("/session").await.status, 200);
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_unavailable() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::in_front_of(&format!("http://{closed}"));
    let answer = server.post("/session").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "provider_unavailable"));
    let line = server.log_line(|line| line["route"] == "/session");
    assert!(line["error"].as_str().unwrap().contains("refused"), "{line}");
}

/// The caller is gone, the mint is not: it ends, the log says how, and nothing is left running.
#[tokio::test]
async fn a_caller_that_hangs_up_orphans_no_mint() {
    let server = Server::start(sandbox().env("VALETKEY__LOG__FILTER", "debug"));
    server.set_faults(&["xai/mint:latency=500ms"]).await;
    let mut caller = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    caller.write_all(b"POST /session HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").unwrap();
    let asked = async || (!server.history().await.is_empty()).then_some(());
    until(asked, || server.output()).await;
    drop(caller);
    let abandoned = server.log_line(|line| line["status"] == 499);
    assert_eq!(abandoned["route"], "/session");
    let minted = server.log_line(|line| line["message"] == "minted");
    assert_eq!(minted["provider"], "xai");
    assert_eq!(minted["span"]["request_id"], abandoned["request_id"]);
}

#[tokio::test]
async fn one_line_a_request_tells_all_but_the_token() {
    let server = server();
    let token = server.post("/session").await.json()["value"].clone();
    let line = server.log_line(|line| line["route"] == "/session");
    assert_eq!(line["level"], "INFO");
    for (field, value) in [
        ("method", json!("POST")),
        ("status", json!(200)),
        ("token_type", json!("xai_realtime")),
        ("provider", json!("xai")),
    ] {
        assert_eq!(line[field], value, "{line}");
    }
    let (all, upstream) =
        (line["latency_ms"].as_f64().unwrap(), line["upstream_ms"].as_f64().unwrap());
    assert!(all >= upstream && upstream > 0.0, "{line}");
    assert!(line["request_id"].is_string());
    server.set_faults(&["xai/mint:revoked"]).await;
    server.post("/session").await;
    let line = server.log_line(|line| line["code"] == "provider_refused");
    assert_eq!(line["level"], "ERROR", "someone has to be woken");
    assert_eq!(
        line["error"],
        "the provider refused us with status 400: \
         it does not accept the API key or, less likely, our request"
    );
    assert!(!server.end().contains(token.as_str().unwrap()));
}
