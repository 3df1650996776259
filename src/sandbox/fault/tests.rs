//! The text form of faults: what is read, what is written, and what is said of the rest.

use super::Fault;

#[test]
fn the_text_form_survives_a_round_trip() {
    for text in [
        "*:hang",
        "xai:drip",
        "elevenlabs:close",
        "xai/mint:reset=before",
        "xai/realtime:reset=body",
        "elevenlabs/mint:garbage",
        "elevenlabs/upload:huge",
        "elevenlabs/scribe:status=503",
        "elevenlabs/tts:hang,latency=1500ms,spread=2s,times=3",
        "xai:latency=0s",
        "xai:spread=10ms",
        "*:not_json",
        "*:empty",
        "*:wrong_types",
        "*:redirect",
        "*:bad_token",
        "*:revoked",
        "xai/mint:nested",
        "xai:expiry=past",
        "xai:expiry=far",
        "xai:expiry=milliseconds",
        "xai:expiry=none",
        "xai/mint:status=429,retry_after=7,latency=200ms,times=2",
        "xai:status=429,retry_after=date:7",
        "elevenlabs:status=401,code=missing_permissions",
        "elevenlabs:status=401,code=quota_exceeded,body=string",
        "elevenlabs:status=400,body=list",
        "elevenlabs:status=400,body=legacy",
        "elevenlabs:status=400,body=text",
        "xai:status=403,code=no-credits,body=object",
    ] {
        let fault: Fault = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(fault.to_string(), text);
        let json = serde_json::to_string(&fault).unwrap();
        assert_eq!(json, format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<Fault>(&json).unwrap(), fault);
    }
}

#[test]
fn settings_come_in_any_order_and_with_blanks() {
    let fault: Fault = " xai/mint : times=2, latency = 1000ms , status=429, ".parse().unwrap();
    assert_eq!(fault.to_string(), "xai/mint:status=429,latency=1s,times=2");
}

#[test]
fn every_bad_fault_is_told_how_to_mend_it() {
    for (text, message) in [
        (
            "status=429",
            "`status=429` names no target: write TARGET:SETTING, for example xai/mint:status=429",
        ),
        (
            "openai:hang",
            "unknown target `openai`: use one of *, xai, elevenlabs, xai/mint, xai/realtime, elevenlabs/mint, elevenlabs/scribe, elevenlabs/upload, elevenlabs/tts",
        ),
        (
            "xai:explode",
            "unknown setting `explode`: use one of latency, spread, times, status, code, body, retry_after, hang, drip, reset, close, garbage, not_json, empty, huge, wrong_types, nested, redirect, expiry, bad_token, revoked",
        ),
        (
            "xai:example",
            "unknown setting `example`: use one of latency, spread, times, status, code, body, retry_after, hang, drip, reset, close, garbage, not_json, empty, huge, wrong_types, nested, redirect, expiry, bad_token, revoked",
        ),
        ("xai:latency=200", "`latency=200` does not fit: write latency=200ms"),
        ("xai:latency", "`latency` does not fit: write latency=200ms"),
        ("xai:latency=2h", "`latency=2h` does not fit: write latency=200ms"),
        ("xai:latency=3601s", "`latency=3601s` does not fit: write latency=200ms"),
        ("xai:spread=-1ms", "`spread=-1ms` does not fit: write spread=100ms"),
        ("xai:hang,times=0", "`times=0` does not fit: write times=2"),
        ("xai:status=200", "`status=200` does not fit: write status=429"),
        ("xai:status=600", "`status=600` does not fit: write status=429"),
        ("xai:status", "`status` does not fit: write status=429"),
        ("xai:hang=1", "`hang=1` does not fit: write hang"),
        ("xai:reset=amid", "`reset=amid` does not fit: write reset=before or reset=body"),
        ("xai:expiry=soon", "`expiry=soon` does not fit: write expiry=past|far|milliseconds|none"),
        (
            "xai:status=429,body=xml",
            "`body=xml` does not fit: write body=list|string|object|legacy|text",
        ),
        ("xai:status=429,code=", "`code=` does not fit: write code=quota_exceeded"),
        (
            "xai:status=429,retry_after=soon",
            "`retry_after=soon` does not fit: write retry_after=7 or retry_after=date:7",
        ),
        (
            "xai:status=429,retry_after=date:99999999999",
            "`retry_after=date:99999999999` does not fit: write retry_after=7 or retry_after=date:7",
        ),
        ("xai:latency=1s,latency=2s", "`latency` is set twice: keep one"),
        ("xai:status=429,status=500", "`status` is set twice: keep one"),
        ("xai:hang,drip", "`hang` and `drip` exclude each other: set two faults, or keep one"),
        (
            "xai:hang,retry_after=7",
            "`retry_after` says more about a status: add status=CODE, for example status=429",
        ),
        (
            "xai:code=no-credits",
            "`code` says more about a status: add status=CODE, for example status=429",
        ),
        ("xai:", "the fault does nothing: add an action such as status=503, or latency=200ms"),
        (
            "xai:times=2",
            "the fault does nothing: add an action such as status=503, or latency=200ms",
        ),
        (
            "xai:status=401,code=quota_exceeded",
            "`code=quota_exceeded` is not known with status 401: use one of no-credentials, bad-credentials",
        ),
        (
            "xai:status=418,code=teapot",
            "`code=teapot` is not known with status 418: use one of none (leave it out)",
        ),
        (
            "elevenlabs:nested",
            "`nested` is not possible on elevenlabs: possible are latency, status=503, hang, reset=before, reset=body, drip, close, garbage, not_json, empty, huge, redirect, revoked, wrong_types, bad_token",
        ),
        (
            "xai/realtime:drip",
            "`drip` is not possible on xai/realtime: possible are latency, status=503, hang, reset=before, reset=body",
        ),
        (
            "elevenlabs/upload:bad_token",
            "`bad_token` is not possible on elevenlabs/upload: possible are latency, status=503, hang, reset=before, reset=body, drip, close, garbage, not_json, empty, huge, redirect, revoked",
        ),
        (
            "xai:status=400,body=list",
            "`status=400,body=list` is not possible on xai: possible are latency, status=503, hang, reset=before, reset=body, drip, close, garbage, not_json, empty, huge, redirect, revoked, wrong_types, bad_token, nested, expiry=past",
        ),
    ] {
        assert_eq!(text.parse::<Fault>().unwrap_err().to_string(), message, "{text}");
    }
}

#[test]
fn what_only_some_routes_can_do_may_be_aimed_at_all() {
    for text in ["*:nested", "*:status=401,code=quota_exceeded", "*:status=400,body=list"] {
        assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
    }
}
