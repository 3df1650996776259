//! One record of every decision, before its answer leaves.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::{Value, json};

use super::{Guarded, answer, hash, key, outcome};
use crate::support::process::until;

fn settings() -> String {
    format!(
        "{}[limits.caller]\nrate = \"off\"\nquota = \"3/d\"\n\
         [origins]\nallowed = [\"https://app.example\"]\n",
        key("a")
    )
}

/// The lines of a text.
fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// Of the lines in a text, those of decisions.
fn records(text: &str) -> Vec<Value> {
    lines(text).into_iter().filter(|line| line["event"] == "vend").collect()
}

#[tokio::test]
async fn mint_without_a_record_every_decision_has_exactly_one() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let to = format!("[audit]\nto = \"file:{}\"\n", file.path().display());
    let guarded = Guarded::start(&format!("{to}{}", settings()));
    let ask = || guarded.session().bearer_auth("vk_a");
    let vended = answer(ask().header("origin", "https://app.example")).await;
    let json_of = |text: &'static str| ask().header("content-type", "application/json").body(text);
    let refusals = [
        (guarded.session(), "unauthenticated"),
        (guarded.session().bearer_auth("vk_b"), "unauthenticated"),
        (ask().header("origin", "https://evil.example"), "origin_not_allowed"),
        (guarded.post("/tokens/nope").bearer_auth("vk_a"), "unknown_token_type"),
        (guarded.post("/tokens/%ff").bearer_auth("vk_a"), "malformed_request"),
        (
            guarded.post("/v1/single-use-token/xai_realtime").bearer_auth("vk_a"),
            "unknown_token_type",
        ),
        (json_of("{"), "malformed_request"),
        (json_of(r#"{"expires_after":{"seconds":0}}"#), "invalid_request"),
        (ask().body("x"), "unsupported_media_type"),
        (ask(), "ok"),
        (ask(), "ok"),
        (ask(), "quota_exhausted"),
    ];
    let mut expected = vec!["vended".to_owned()];
    for (request, code) in refusals {
        assert_eq!(outcome(request).await, code);
        expected.push(if code == "ok" { "vended".to_owned() } else { code.to_owned() });
    }
    // No waiting: a record is there before its answer.
    let text = fs::read_to_string(file.path()).unwrap();
    let records = records(&text);
    let outcomes: Vec<_> = records.iter().map(|it| it["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, expected);
    let first = &records[0];
    let token = vended.json()["value"].as_str().unwrap().to_owned();
    assert_eq!(first["token_sha256"], hash(&token));
    assert_eq!(first["caller"], json!({ "id": "a", "via": "key" }));
    assert_eq!(first["origin"], "https://app.example");
    assert_eq!(first["route"], "/session");
    assert_eq!((&first["token_type"], &first["provider"]), (&json!("xai_realtime"), &json!("xai")));
    assert_eq!((&first["ttl"], &first["address"]), (&json!(300), &json!("127.0.0.1")));
    assert_eq!(first["request_id"], vended.header("x-request-id").unwrap());
    assert!(first["upstream_ms"].is_number() && first["duration_ms"].is_number());
    assert!(records[2]["reason"].as_str().unwrap().contains("no such key"), "{}", records[2]);
    guarded.server.log_line(|line| line["code"] == "quota_exhausted");
    assert!(!guarded.server.output().contains(&token));
    // What was asked of the provider was said before, and nothing else was.
    let lines = lines(&text);
    assert_eq!((&lines[0]["event"], &lines[1]["event"]), (&json!("mint"), &json!("vend")));
    let ids = |event: &str| -> Vec<&Value> {
        let of_mints = lines.iter().filter(|it| it["event"] == event && !it["mint_id"].is_null());
        of_mints.map(|it| &it["mint_id"]).collect()
    };
    assert_eq!(ids("mint").len(), guarded.minted().await);
    assert_eq!(ids("mint"), ids("vend"));
    assert!(records.iter().all(|it| (it["minted"] == "yes") == (it["outcome"] == "vended")));
}

#[tokio::test]
async fn a_client_that_hangs_up_is_still_recorded() {
    let guarded = Guarded::start(&format!("[log]\nfilter = \"debug\"\n{}", settings()));
    guarded.stand_ins.set_faults(&["xai/mint:latency=400ms"]).await;
    let mut socket = TcpStream::connect(guarded.server.url.trim_start_matches("http://")).unwrap();
    let request = "POST /session HTTP/1.1\r\nhost: x\r\nauthorization: Bearer vk_a\r\n\r\n";
    socket.write_all(request.as_bytes()).unwrap();
    let asked = async || (guarded.minted().await > 0).then_some(());
    until(asked, || "nothing was asked of the provider".to_owned()).await;
    drop(socket);
    guarded.server.wait_for_stdout("\"outcome\":\"abandoned\"");
    assert!(!guarded.server.stdout().contains("\"outcome\":\"vended\""));
    let record = guarded.server.stdout_lines(1, |line| line.contains("\"event\":\"vend\""));
    assert!(records(&record[0])[0]["token_sha256"].is_string());
    // The caller is gone, the mint is not: it ended, and the log says how.
    let abandoned = guarded.server.log_line(|line| line["status"] == 499);
    assert_eq!(abandoned["route"], "/session");
    let minted = guarded.server.log_line(|line| line["message"] == "minted");
    assert_eq!(minted["provider"], "xai");
    assert_eq!(minted["span"]["request_id"], abandoned["request_id"]);
}

#[tokio::test]
async fn without_room_for_a_record_there_is_no_token() {
    let guarded = Guarded::start(&format!("[audit]\nto = \"file:/dev/full\"\n{}", settings()));
    for _ in 0..3 {
        let answer = answer(guarded.session().bearer_auth("vk_a")).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "audit_unavailable"));
        assert!(!answer.text.contains("sandbox"), "the token is in the answer: {}", answer.text);
    }
    assert_eq!(outcome(guarded.session()).await, "audit_unavailable", "as its record would say");
}

#[tokio::test]
async fn records_go_to_a_file_and_addresses_are_written_as_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    for (form, expected) in [("truncated", "127.0.0.0/24"), ("full", "127.0.0.1")] {
        let audit = format!("[audit]\nto = \"file:{}\"\naddress = \"{form}\"\n", path.display());
        let guarded = Guarded::start(&format!("{audit}{}", settings()));
        assert_eq!(outcome(guarded.session().bearer_auth("vk_a")).await, "ok");
        let text = fs::read_to_string(&path).unwrap();
        let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(last["address"], expected);
        assert_eq!(guarded.server.end_of_stdout(), "");
    }
    assert_eq!(records(&fs::read_to_string(&path).unwrap()).len(), 2, "it is added to");
}

#[tokio::test]
async fn log_injection_is_not_possible_through_a_header() {
    let guarded = Guarded::start(&settings());
    let mut socket = TcpStream::connect(guarded.server.url.trim_start_matches("http://")).unwrap();
    let request = b"POST /session HTTP/1.1\r\nhost: x\r\norigin: https://a\\n\"}{\t\xe9\r\n\
                    x-request-id: \"},{\"outcome\":\"vended\r\nconnection: close\r\n\r\n";
    socket.write_all(request).unwrap();
    socket.read_to_string(&mut String::new()).unwrap();
    let records = records(&guarded.server.end_of_stdout());
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["outcome"], "unauthenticated");
}
