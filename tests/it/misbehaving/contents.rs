//! Answers that are HTTP and a success, and yet hold no token that anyone should get.

use serde_json::{Value, json};

use super::{Case, Counting, INVALID, Stage, Told, VENDED, answer, in_seconds};

/// A value of every type that JSON has, and some that look like what is wanted.
fn odd_values() -> Vec<Value> {
    let json = json!([null, true, 7, -7.5, [], ["token"], {}, { "value": "token" }]);
    json.as_array().unwrap().clone()
}

/// What cannot travel in a header, in a subprotocol or at all.
fn odd_tokens() -> Vec<String> {
    let odd = ["a\r\nset-cookie: x=y", "a\n", "\u{0}", "\u{7f}", "a\tb", "caf\u{e9}", "\u{1f511}"];
    let blank = ["", " ", "a b"].map(str::to_owned);
    blank.into_iter().chain(odd.map(str::to_owned)).chain(["x".repeat(5_000)]).collect()
}

fn case(kind: &'static str, what: &str, body: &str, told: Told) -> Case {
    let shown: String = body.chars().take(80).collect();
    let answer = answer(200, "content-type: application/json\r\n", body);
    Case::new(format!("{kind}, {what}: {shown}"), kind, Counting::writing(answer), told)
}

#[tokio::test]
async fn wrong_types_in_every_field() {
    let soon = in_seconds(60);
    let mut cases = Vec::new();
    for odd in odd_values() {
        let bodies = [json!({ "token": odd }), odd.clone()];
        for body in bodies {
            cases.push(case("elevenlabs", "token", &body.to_string(), INVALID));
        }
        for body in [
            odd.clone(),
            json!({ "value": odd, "expires_at": soon }),
            json!({ "client_secret": { "value": odd, "expires_at": soon } }),
        ] {
            // That one is the documented shape, without its expiry.
            if body != json!({ "value": "token" }) {
                cases.push(case("xai", "value", &body.to_string(), INVALID));
            }
        }
        // An expiry that is absent, or null, is the lifetime that was asked for.
        if !odd.is_null() {
            let body = json!({ "value": "token", "expires_at": odd }).to_string();
            cases.push(case("xai", "expires_at", &body, INVALID));
        }
    }
    cases.push(case("elevenlabs", "text", "\"x\"", INVALID));
    let list = json!(["quota_exceeded", soon]);
    for body in [list.clone(), json!({ "client_secret": list })] {
        cases.push(case("xai", "list", &body.to_string(), INVALID));
    }
    Stage::start(cases).play().await;
}

#[tokio::test]
async fn tokens_that_cannot_travel() {
    let mut cases = Vec::new();
    for token in odd_tokens() {
        cases.push(case("elevenlabs", "token", &json!({ "token": token }).to_string(), INVALID));
        let body = json!({ "value": token, "expires_at": in_seconds(60) }).to_string();
        cases.push(case("xai", "token", &body, INVALID));
    }
    let body = json!({ "value": "a/b", "expires_at": in_seconds(60) }).to_string();
    cases.push(case("xai", "token", &body, INVALID));
    // Raw, not escaped: no JSON at all.
    for raw in ["{\"token\":\"a\r\nb\"}", "{\"token\":\"a\u{0}\"}"] {
        cases.push(case("elevenlabs", "raw", raw, INVALID));
    }
    for (length, told) in [(4096, VENDED), (4097, INVALID)] {
        let body = json!({ "token": "x".repeat(length) }).to_string();
        cases.push(case("elevenlabs", &format!("{length} long"), &body, told));
    }
    Stage::start(cases).play().await;
}

#[tokio::test]
async fn times_at_which_no_token_ends() {
    let times = [
        (json!(0), INVALID),
        (json!(1), INVALID),
        (json!(-5), INVALID),
        (json!(in_seconds(-5)), INVALID),
        (json!(in_seconds(3_700)), INVALID),
        (json!(4_102_444_800_u64), INVALID),
        (json!(u64::MAX), INVALID),
        (json!(1e300), INVALID),
        (json!(-1e300), INVALID),
        (json!(in_seconds(60).to_string()), INVALID),
        (json!("2100-01-01T00:00:00Z"), INVALID),
        (json!("soon"), INVALID),
        (json!(in_seconds(200)), VENDED),
        (json!(in_seconds(200) as f64 + 0.5), VENDED),
        (json!(in_seconds(200) * 1000), VENDED),
        (Value::Null, VENDED),
    ];
    let nested = json!({ "client_secret": { "value": "token", "expires_at": in_seconds(200) } });
    let nested = case("xai", "nested", &nested.to_string(), VENDED);
    let cases = times.into_iter().map(|(time, told)| {
        let body = json!({ "value": "token", "expires_at": time }).to_string();
        case("xai", "expires_at", &body, told)
    });
    Stage::start(cases.chain([nested]).collect()).play().await;
}

#[tokio::test]
async fn what_is_no_json() {
    let deep = "[".repeat(30_000);
    let texts = [
        "<!doctype html><html><body>200 OK</body></html>",
        "",
        "\u{feff}{\"token\":\"x\"}",
        "{\"token\":\"x\"",
        "{\"token\":\"x\"}}",
        "{'token':'x'}",
        "token=x",
        deep.as_str(),
    ];
    let cases = texts.map(|text| case("elevenlabs", "text", text, INVALID));
    // Which of the two the provider means is not known.
    let twice = case("elevenlabs", "twice", r#"{"token":"x","token":"y"}"#, INVALID);
    Stage::start(cases.into_iter().chain([twice]).collect()).play().await;
}

#[tokio::test]
async fn an_answer_may_have_64_kib_and_not_a_byte_more() {
    let token = r#"{"token":"sutkn_x"}"#;
    let padded = |length: usize| token.to_owned() + &" ".repeat(length - token.len());
    let cases = vec![
        case("elevenlabs", "64 KiB", &padded(64 * 1024), VENDED),
        case("elevenlabs", "more", &padded(64 * 1024 + 1), INVALID),
    ];
    Stage::start(cases).play().await;
}

#[tokio::test]
async fn any_success_will_do_that_has_a_token() {
    let cases =
        [(201, VENDED), (202, VENDED), (304, INVALID), (600, INVALID)].map(|(status, told)| {
            let answer = answer(status, "", r#"{"token":"x"}"#);
            Case::eleven(status.to_string(), Counting::writing(answer), told)
        });
    Stage::start(cases.into()).play().await;
}

#[tokio::test]
async fn a_token_may_not_live_longer_than_was_asked_for() {
    let lives = [(60, VENDED), (30, VENDED), (119, VENDED), (300, INVALID), (-5, INVALID)];
    let cases = lives.map(|(seconds, told)| {
        let body = json!({ "value": "x", "expires_at": in_seconds(seconds) }).to_string();
        case("xai", "expires_at", &body, told)
    });
    let stage = Stage::start(cases.into());
    for (place, (seconds, told)) in lives.iter().enumerate() {
        let body = r#"{"expires_after":{"seconds":60}}"#;
        let answer = stage.server.post_json(&format!("/tokens/t{place}"), body).await;
        assert_eq!(answer.status, told.status, "in {seconds} s: {}", answer.text);
    }
}
