//! Switching off what should not be had now.

use super::{Guarded, answer, outcome};

#[tokio::test]
async fn a_token_type_or_a_provider_can_be_switched_off() {
    let guarded = Guarded::start(
        "[tokens.batch_scribe]\nenabled = false\n[providers.xai]\nenabled = false\n",
    );
    for path in ["/tokens/batch_scribe", "/tokens/xai_realtime", "/session"] {
        let answer = answer(guarded.post(path)).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "token_type_disabled"));
        assert_eq!(answer.header("x-should-retry"), Some("false"));
    }
    assert_eq!(outcome(guarded.post("/tokens/realtime_scribe")).await, "ok");
    let listed = answer(guarded.get("/tokens")).await.json();
    let listed: Vec<_> =
        listed["tokens"].as_array().unwrap().iter().map(|it| &it["type"]).collect();
    assert_eq!(listed, ["realtime_scribe", "tts_websocket"]);
    assert_eq!(guarded.minted().await, 1);
}
