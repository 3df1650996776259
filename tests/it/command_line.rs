//! What a person at a terminal sees.

use std::net::TcpListener;

use crate::support::{
    process::{Server, run, sandbox, transcript, valetkey, vending_from},
    settings_file as file,
};

/// Everything that may differ from one run to the next.
macro_rules! assert_transcript {
    ($text:expr) => {
        insta::with_settings!({filters => vec![
            (r"127\.0\.0\.1:\d{5}", "127.0.0.1:PORT"),
            (r"/tmp/[^\s:)]+", "FILE"),
        ]}, { insta::assert_snapshot!($text); });
    };
}

#[test]
fn help_of_each_command() {
    for command in ["", "serve", "sandbox", "check", "mint", "healthcheck", "keygen"] {
        let args: &[&str] = if command.is_empty() { &["--help"] } else { &[command, "--help"] };
        let name = if command.is_empty() { "help" } else { command };
        let output = run(&mut valetkey(args));
        assert!(output.status.success());
        insta::assert_snapshot!(format!("help_{name}"), String::from_utf8(output.stdout).unwrap());
    }
}

#[test]
fn without_keys_it_says_the_two_ways_to_go_on() {
    let output = run(&mut valetkey(&["serve"]));
    assert_eq!(output.status.code(), Some(78));
    assert_transcript!(transcript(&output));
    assert_eq!(run(&mut valetkey(&[])), output, "valetkey is valetkey serve");
}

#[test]
fn off_loopback_it_does_not_start_open() {
    let mut serve = sandbox();
    let output = run(serve.args(["--listen", "0.0.0.0:0"]));
    assert_eq!(output.status.code(), Some(78));
    assert_transcript!(transcript(&output));
}

/// As in the container image, where the address is in the environment of every command.
#[test]
fn what_does_not_listen_there_does_not_mind_the_address() {
    let mut mint = valetkey(&["mint", "xai_realtime"]);
    mint.env("VALETKEY__SERVER__LISTEN", "0.0.0.0:8081").env("XAI_API_KEY", "key");
    let output = run(mint.env("VALETKEY__PROVIDERS__XAI__BASE_URL", "http://127.0.0.1:1"));
    assert_eq!(output.status.code(), Some(1));
    assert!(transcript(&output).contains("cannot be reached"), "{}", transcript(&output));
    let mut sandbox = valetkey(&["sandbox", "--listen", "127.0.0.1:0"]);
    Server::start_alone(sandbox.env("VALETKEY__SERVER__LISTEN", "0.0.0.0:8081"));
}

#[tokio::test]
async fn off_loopback_it_starts_when_told_so_in_so_many_words() {
    let mut server = Server::start_as_given(
        sandbox()
            .args(["--listen", "0.0.0.0:0"])
            .env("VALETKEY__AUTH__ANONYMOUS", "true")
            .env("VALETKEY__SERVER__LAME_DUCK", "0s"),
    );
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn every_problem_at_once_with_the_nearest_name() {
    let bad = file(
        r#"
        lisen = 3
        [server]
        lisen = "127.0.0.1:1"
        lame_duck = "5x"
        drain = 5
        admin_listen = "nowhere"
        [log]
        filter = "loud"
        format = "xml"
        [sesion]
        token = "sk-canary"
        [session]
        token = "nope"
        [auth]
        anonymous = "maybe"
        [origins]
        allowed = ["https://app.example/"]
        [providers.xai]
        base_url = "http://api.x.ai"
        api_keys = ["sk-canary"]
        api_key = "sk-canary"
        [providers.elevenlabs]
        base_url = "https://user:sk-canary@api.example"
        [providers.eu]
        kind = "elevnlabs"
        base_url = "https://api.example/v1"
        [providers.Bad-Name]
        kind = "xai"
        [tokens.elsewhere]
        provider = "nope"
        product = "realtime"
        [tokens.odd]
        provider = "xai"
        product = "realtme"
        [tokens.long]
        provider = "xai"
        product = "realtime"
        ttl = "1500ms"
        max_ttl = "2h"
        [tokens.realtime_scribe]
        ttl = "5s"
        [tokens.realtime_scribe.connect]
        token = "x"
        [tokens.batch_scribe.pool]
        ttl = "5m"
        [tokens.realtime_scibe.pool]
        size = 3
        [tokens.mute]
        provider = "elevenlabs"
        product = "tts_websocket"
        "#,
    );
    let broken = file("[server\nlisten = \"sk-canary\"");
    let mut check = valetkey(&["check", "--config", "/no/such/file.toml", "--config", "/tmp"]);
    check.arg("--config").arg(bad.path()).arg("--config").arg(broken.path());
    let output = run(check
        .env("VALETKEY__SERVER__BODY_TIMEOUT", "soon")
        .env("VALETKEY__SERVER__LISTN", "x"));
    assert_eq!(output.status.code(), Some(78));
    let text = transcript(&output);
    assert!(!text.contains("canary"), "a key pasted into the wrong place is shown: {text}");
    assert_transcript!(text);
}

#[test]
fn check_shows_where_each_value_came_from() {
    let good = file("[server]\nlame_duck = \"3s\"\n");
    let mut check = valetkey(&["check", "--config"]);
    check
        .arg(good.path())
        .env("XAI_API_KEY", "xai-canary")
        .env("VALETKEY__SESSION__TOKEN", "batch_scribe");
    let output = run(&mut check);
    assert_eq!(output.status.code(), Some(0));
    let text = transcript(&output);
    assert!(!text.contains("canary"));
    assert_transcript!(text);
}

#[test]
fn an_address_in_use_is_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut serve = sandbox();
    serve.env("VALETKEY__SERVER__ADMIN_LISTEN", "off");
    let public = run(serve.args(["--listen", &address]));
    let admin = run(valetkey(&["serve", "--listen", "127.0.0.1:0"])
        .env("XAI_API_KEY", "key")
        .env("VALETKEY__SERVER__ADMIN_LISTEN", &address));
    let stand_ins = run(&mut valetkey(&["serve", "--sandbox", "--sandbox-listen", &address]));
    let sandbox = run(&mut valetkey(&["sandbox", "--listen", &address]));
    let all = [public, admin, stand_ins, sandbox];
    assert!(all.iter().all(|output| output.status.code() == Some(1)));
    assert_transcript!(all.iter().map(transcript).collect::<String>());
}

#[test]
fn wrong_usage_is_status_2() {
    let cases: [&[&str]; 5] = [
        &["serv"],
        &["serve", "--fault", "xai/mint:hang"],
        &["serve", "--sandbox", "--fault", "xai/mint:hnag"],
        &["sandbox", "--listen", "here"],
        &["mint"],
    ];
    for args in cases {
        let output = run(&mut valetkey(args));
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", transcript(&output));
    }
}

#[test]
#[ignore = "needs curl; scripts/test runs it"]
fn the_banner_has_lines_to_paste() {
    let server = Server::sandbox(&[]);
    try_its_lines(&server, 5);
    assert_transcript!(server.stdout());
    let alone = Server::stand_ins();
    try_its_lines(&alone, 4);
    assert_transcript!(alone.stdout());
}

/// Pastes every line that begins with `curl`.
fn try_its_lines(server: &Server, count: usize) {
    server.wait_for_stdout("_sandbox/history");
    let text = server.stdout();
    let curls: Vec<&str> =
        text.lines().filter_map(|line| line.trim().strip_prefix("curl ")).collect();
    assert_eq!(curls.len(), count);
    for curl in curls {
        let command = format!("curl -sS --fail {curl}");
        let output = std::process::Command::new("sh").args(["-c", &command]).output().unwrap();
        assert!(output.status.success(), "{curl}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[tokio::test]
async fn mint_and_check_online_work_against_the_sandbox() {
    let sandbox = Server::sandbox(&[]);
    let with_keys = |args: &[&str]| {
        let mut command = valetkey(args);
        vending_from(&mut command, &sandbox.stand_ins);
        command
    };
    let minted = run(&mut with_keys(&["mint", "xai_realtime", "--ttl", "60"]));
    assert!(minted.status.success(), "{}", transcript(&minted));
    let token: serde_json::Value = serde_json::from_slice(&minted.stdout).unwrap();
    assert_eq!((&token["type"], &token["provider"]), (&"xai_realtime".into(), &"xai".into()));
    assert!(token["expires_in"].as_u64().unwrap() <= 60);

    let check = run(&mut with_keys(&["check", "--online"]));
    assert!(check.status.success(), "{}", transcript(&check));
    let text = transcript(&check);
    for name in ["xai_realtime", "realtime_scribe", "batch_scribe", "tts_websocket"] {
        assert!(text.contains(&format!("  {name}: ok, ")), "{text}");
    }

    let wrong = run(with_keys(&["check", "--online"]).env("XAI_API_KEY", "xai-canary"));
    assert_eq!(wrong.status.code(), Some(1));
    let text = transcript(&wrong);
    assert!(text.contains("xai_realtime: FAILED") && text.contains("does not accept the API key"));
    assert!(!text.contains("canary"));

    let unknown = run(&mut with_keys(&["mint", "realtime_scrib"]));
    assert_eq!(unknown.status.code(), Some(2));
    assert!(transcript(&unknown).contains("there are: batch_scribe, realtime_scribe"));
    let fixed = run(&mut with_keys(&["mint", "realtime_scribe", "--ttl", "60"]));
    assert_eq!(fixed.status.code(), Some(2));
}

#[tokio::test]
async fn healthcheck_asks_the_running_server() {
    let server = Server::sandbox(&[]);
    let address = server.url.trim_start_matches("http://").to_owned();
    assert!(run(&mut valetkey(&["healthcheck", "--listen", &address])).status.success());
    let port = address.rsplit(':').next().unwrap();
    let anywhere = format!("0.0.0.0:{port}");
    assert!(
        run(valetkey(&["healthcheck"]).env("VALETKEY__SERVER__LISTEN", &anywhere)).status.success()
    );
    drop(server);
    let output = run(&mut valetkey(&["healthcheck", "--listen", &address]));
    assert_eq!(output.status.code(), Some(1));
    assert!(transcript(&output).contains("cannot be reached"));
}
