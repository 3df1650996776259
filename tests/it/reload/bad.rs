//! Settings that will not do.

use serde_json::{Value, json};

use super::{IN_EFFECT, KEY, REFUSED, Running, base, serving};
use crate::support::{hash, http::Answer, process::Server};

#[tokio::test]
async fn they_change_nothing_and_are_told_of_with_every_problem() {
    let running = Running::start("[origins]\nallowed = [\"https://one.example\"]\n");
    let other = "[origins]\nallowed = [\"https://two.example\"]\n";
    let cases: [(&str, &[&str]); 6] = [
        ("[origins\n", &["settings.toml: line"]),
        ("[tokens.xai_realtime]\nttl = \"5", &["settings.toml: line"]),
        (
            "[tokens.xai_realtime]\nttl = \"2h\"\nmax_tll = \"1m\"\n[limits]\ncallers = 1\n",
            &["tokens.xai_realtime.max_tll", "tokens.xai_realtime.ttl", "limits.callers"],
        ),
        ("[auth]\nproxy_header = \"X-User\"\n", &["auth.proxy_header"]),
        ("[session]\ntoken = \"nothing\"\n", &["session.token"]),
        ("[limits]\nstore = \"redis://127.0.0.1:1\"\n", &["identity.hash_key"]),
    ];
    let mut count = 0;
    for (failed, (case, wanted)) in cases.iter().enumerate() {
        let detail = running.reload(&format!("{other}{case}")).await;
        let problems: Vec<&str> = detail["failed"]["problems"]
            .as_array()
            .unwrap_or_else(|| panic!("{case}: {detail}"))
            .iter()
            .map(|it| it.as_str().unwrap())
            .collect();
        // What is in a file that cannot be read is missed besides.
        let others = problems.iter().filter(|it| !it.starts_with("no provider has")).count();
        assert_eq!(others, wanted.len(), "{problems:?}");
        for want in *wanted {
            assert!(problems.iter().any(|it| it.contains(want)), "no {want} in {problems:?}");
        }
        assert!(detail["failed"]["at"].as_u64() >= detail["loaded_at"].as_u64());
        assert_eq!((&detail["reloads"], &detail["needs_restart"]), (&json!(0), &json!([])));
        count += problems.len();
        let lines = running.lines(count, REFUSED);
        assert_eq!(lines.len(), count);
        for problem in problems {
            let said = |it: &Value| it["problem"] == problem && it["level"] == "ERROR";
            assert!(lines.iter().any(said), "{problem} is not in the log");
        }
        let metric = running.metric("valetkey_reloads_total{result=\"failed\"}").await;
        assert_eq!(metric, failed as u64 + 1);
        assert_eq!(running.metric("valetkey_last_reload_ok").await, 0);
        assert_eq!(running.mint().await, KEY);
        assert!(running.welcomes("https://one.example").await);
        assert!(!running.welcomes("https://two.example").await);
    }
    let public = running.server.get("/readyz").await;
    assert_eq!(public.text, r#"{"status":"ready"}"#, "callers learn nothing of it");
    assert!(running.lines(0, IN_EFFECT).is_empty());

    let detail = running.reload(other).await;
    assert_eq!((&detail["failed"], &detail["reloads"]), (&json!(null), &json!(1)));
    assert!(running.welcomes("https://two.example").await);
    assert_eq!(running.metric("valetkey_last_reload_ok").await, 1);
    assert_eq!(running.lines(1, "after some that were not").len(), 1);
}

/// It is the address that is open that must be safe, not the one in the file.
#[tokio::test]
async fn what_would_be_safe_only_after_a_restart_is_refused() {
    let key = format!("[[auth.keys]]\nid = \"a\"\nsha256 = \"{}\"\n", hash("vk_a"));
    let open = "[server]\nlisten = \"0.0.0.0:0\"\n";
    let running = Running::started(|folder, provider| {
        let settings = format!("{}{open}{key}", base(folder, provider, "off"));
        let mut server = Server::start_as_given(&mut serving(folder, &settings));
        server.url = server.url.replace("0.0.0.0", "127.0.0.1");
        server
    });
    for danger in [open, "[server]\nlisten = \"127.0.0.1:0\"\n"] {
        let problems = running.reload(danger).await["failed"]["problems"].to_string();
        assert!(problems.contains("can be reached from other machines"), "{problems}");
        assert_eq!(running.mint().await, "unauthenticated");
        assert_eq!(Answer::to(running.post("/session").bearer_auth("vk_a")).await.status, 200);
    }
}

#[tokio::test]
async fn a_file_that_is_far_too_long_is_not_read_to_its_end() {
    let running = Running::start("");
    let detail = running.reload(&"#".repeat(2 * 1024 * 1024)).await;
    assert!(detail["failed"]["problems"].to_string().contains("longer than 1 MiB"), "{detail}");
}
