//! No credential in any output, whatever happens to it and however much is logged.

use super::{Guarded, answer, hash, outcome};
use crate::support::{
    provider::answering_with,
    redis::{PASSWORD, Redis},
};

/// What is found nowhere: each is written as it is, and in parts.
const KEY: &str = "vk_canary0Y2tR8mC6Qd1VxJ4uE9sPzA7nLkWfTgX5yO3iM";
const WRONG: &str = "vk_wrongcanaryR8mC6Qd1VxJ4uE9sPzA7nLkWfTgX5yO3i";
const JWT: &str =
    "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJodHRwczovL2kuZXhhbXBsZSJ9.Y2FuYXJ5LXNpZ25hdHVyZQ";
const COOKIE: &str = "session=canary-cookie";
const BASIC: &str = "Y2FuYXJ5OmNhbmFyeQ==";
const HASH_KEY: &str = "canary-hash-key-of-at-least-32-bytes";
const SHARED: &str = "canary-shared-secret-of-32-bytes-or-so";

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn key_leaks_of_callers_at_trace_level_are_none() {
    let redis = Redis::start();
    let application = answering_with(401, "");
    let settings = format!(
        "[log]\nfilter = \"trace\"\n[limits]\nstore = \"env:REDIS_URL\"\n[origins]\nallowed = [\"https://app.example\"]\n[auth.forward]\nurl = \
         \"{application}\"\n[[auth.jwt]]\nissuer = \"https://i.example\"\naudience = \
         \"voice\"\nalgorithms = [\"HS256\"]\nsecret = \"env:SHARED\"\n[[auth.keys]]\nid = \
         \"a\"\nsha256 = \"{}\"\n",
        hash(KEY)
    );
    let url = redis.url();
    let env = [("REDIS_URL", url.as_str()), ("VALETKEY_HASH_KEY", HASH_KEY), ("SHARED", SHARED)];
    let guarded = Guarded::start_with(&settings, &env);
    let mut answers = String::new();
    for (name, value) in [
        ("authorization", format!("Bearer {KEY}")),
        ("authorization", format!("Bearer {WRONG}")),
        ("authorization", format!("Bearer {JWT}")),
        ("authorization", format!("Basic {BASIC}")),
        ("authorization", KEY.to_owned()),
        ("cookie", COOKIE.to_owned()),
        ("x-forwarded-user", KEY.to_owned()),
    ] {
        let answer = answer(guarded.session().header(name, value)).await;
        answers.push_str(&answer.text.replace("sandbox", ""));
    }
    assert_eq!(
        outcome(guarded.post("/v1/realtime/client_secrets").header("xi-api-key", WRONG)).await,
        "unauthenticated"
    );
    answers.push_str(&guarded.server.get_admin("/metrics").await.text);
    answers.push_str(&guarded.server.get_admin("/readyz").await.text);
    let output = guarded.server.end();
    assert!(output.contains("\"level\":\"TRACE\"") && output.contains("token_sha256"));
    for secret in [
        &KEY[3..],
        &WRONG[3..],
        JWT,
        "Y2FuYXJ5LXNpZ25hdHVyZQ",
        "canary-cookie",
        BASIC,
        HASH_KEY,
        SHARED,
        PASSWORD,
    ] {
        let line = output.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} was printed");
        assert!(!answers.contains(secret), "{secret} was answered");
    }
}
