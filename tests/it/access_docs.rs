//! The worked configurations of docs/access.md do what the page says, over the real program. They
//! are read from the page itself.

use reqwest::Method;

use crate::{
    access::Guarded,
    support::{
        http::{Answer, client},
        page::Page,
        process::{run, transcript, valetkey},
        provider::{ProviderRequest, ScriptedProvider, answer},
    },
};

/// The hash on the page, which is that of no key.
const NO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

fn section(heading: &str) -> Page {
    Page::read("docs/access.md").section(heading)
}

/// The key, and the settings with its hash, that the page's `valetkey keygen` prints.
fn keygen(section: &Page) -> (String, String) {
    let blocks = section.blocks("sh");
    let command = blocks.iter().find_map(|block| block.strip_prefix("valetkey ")).unwrap();
    let args: Vec<&str> = command.split_whitespace().collect();
    let output = run(&mut valetkey(&args));
    assert!(output.status.success(), "{}", transcript(&output));
    let printed = String::from_utf8(output.stdout).unwrap();
    let (key, settings) = printed.split_once("\n\n").unwrap();
    (key.to_owned(), settings.trim_end().to_owned())
}

/// `settings` with the hash in `with_hash` instead of the page's.
fn with_hash(settings: &str, with_hash: &str) -> String {
    let hash = with_hash.split('"').find(|text| text.len() == 64).unwrap();
    assert!(settings.contains(NO_HASH));
    settings.replace(NO_HASH, hash)
}

impl Guarded {
    /// Asks for a token of the type `name`.
    async fn token(&self, name: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::POST, &format!("/tokens/{name}"), headers).await
    }

    async fn ask(&self, headers: &[(&str, &str)]) -> Answer {
        self.token("xai_realtime", headers).await
    }

    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = client().request(method, format!("{}{path}", self.server.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::to(request).await
    }

    /// Who got tokens, by the record.
    fn recorded(&self, caller: &str) {
        self.server.wait_for_stdout(caller);
    }
}

/// A key of the public demo page, and the page's settings for it.
fn demo() -> (String, String) {
    let section = section("## A public demo page");
    let (key, printed) = keygen(&section);
    let settings = with_hash(&section.blocks("toml")[0], &printed);
    assert!(settings.contains(&printed), "keygen prints what is on the page:\n{printed}");
    (key, settings)
}

fn refused(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.code())
}

fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn a_publishable_key_is_good_in_its_own_pages_within_its_limits() {
    let (key, settings) = demo();
    assert!(key.starts_with("vkp_"));
    let documented = Guarded::start_with(&settings, &[]);
    let bearer = format!("Bearer {key}");
    let mine = [("origin", "https://demo.example"), ("authorization", &bearer)];

    let answer = documented.ask(&mine).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://demo.example"));
    assert!(answer.json()["expires_in"].as_u64().unwrap() <= 60);
    documented.recorded(r#""caller":{"id":"demo","via":"publishable_key"}"#);

    let preflight = [
        ("origin", "https://demo.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization"),
    ];
    let answer = documented.send(Method::OPTIONS, "/tokens/xai_realtime", &preflight).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://demo.example"));

    let other =
        ["https://demo.example.evil", "http://demo.example", "null", &documented.server.url];
    for other in
        other.map(|origin| vec![("origin", origin), mine[1]]).iter().chain([&vec![mine[1]]])
    {
        assert_eq!(
            refused(&documented.ask(other).await),
            is(403, "origin_not_allowed"),
            "{other:?}"
        );
    }
    let wrong = ("authorization", "Bearer vkp_wrong");
    for nobody in [&[mine[0]] as &[_], &[mine[0], wrong]] {
        assert_eq!(refused(&documented.ask(nobody).await), is(401, "unauthenticated"));
    }
    let answer = documented.token("realtime_scribe", &mine).await;
    assert_eq!(refused(&answer), is(403, "forbidden"));

    for _ in 1..4 {
        assert_eq!(documented.ask(&mine).await.status, 200);
    }
    assert_eq!(refused(&documented.ask(&mine).await), is(429, "rate_limited"));
}

#[tokio::test]
async fn all_who_use_a_publishable_key_have_a_limit_together() {
    let (key, settings) = demo();
    let behind = [("VALETKEY__SERVER__TRUSTED_PROXIES", "127.0.0.1/32")];
    let documented = Guarded::start_with(&settings, &behind);
    let bearer = format!("Bearer {key}");
    let mut admitted = 0;
    for address in 1..=40 {
        let address = format!("203.0.113.{address}");
        for _ in 0..4 {
            let headers = [
                ("origin", "https://demo.example"),
                ("authorization", &bearer),
                ("x-forwarded-for", &address),
            ];
            match documented.ask(&headers).await {
                answer if answer.status == 200 => admitted += 1,
                answer => assert_eq!(refused(&answer), is(429, "rate_limited")),
            }
        }
    }
    // More than one a second comes free meanwhile.
    assert!((60..120).contains(&admitted), "{admitted}");
}

#[tokio::test]
async fn a_key_that_is_switched_off_is_good_for_nothing() {
    let (key, settings) = demo();
    let settings = settings.replace("publishable = true", "publishable = true\nenabled = false");
    let documented = Guarded::start_with(&settings, &[]);
    let bearer = format!("Bearer {key}");
    let mine = [("origin", "https://demo.example"), ("authorization", &bearer)];
    assert_eq!(refused(&documented.ask(&mine).await), is(401, "unauthenticated"));
}

#[tokio::test]
async fn anonymous_callers_are_held_back_by_origins_in_browsers_only() {
    let settings = &section("## A public demo page").blocks("toml")[1];
    let documented = Guarded::start_with(settings, &[]);
    let page = [("origin", "https://demo.example")];
    let answer = documented.ask(&page).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://demo.example"));
    assert!(answer.json()["expires_in"].as_u64().unwrap() <= 60);
    assert_eq!(documented.ask(&[]).await.status, 200);
    documented.recorded(r#""caller":{"id":"anonymous","via":"anonymous"}"#);
    let other = documented.ask(&[("origin", "https://evil.example")]).await;
    assert_eq!(refused(&other), is(403, "origin_not_allowed"));
    // A name that leads here is not enough.
    let rebound = [("host", "evil.example"), ("origin", "http://evil.example")];
    assert_eq!(refused(&documented.ask(&rebound).await), is(403, "origin_not_allowed"));
    let listed = documented.send(Method::GET, "/tokens", &page).await.json();
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 1);
    assert_eq!(listed["tokens"][0]["type"], "xai_realtime");
    assert_eq!(documented.ask(&page).await.status, 200);
    assert_eq!(documented.ask(&page).await.status, 200);
    assert_eq!(refused(&documented.ask(&page).await), is(429, "rate_limited"));
}

/// The application of the page: who it knows, it names. Its URL, without the path.
fn application() -> String {
    let script = |request: &ProviderRequest| {
        Some(match (request.path(), request.header("cookie")) {
            ("/voice-auth", "session=ada") => answer(200, "Remote-User: ada\r\n", ""),
            ("/voice-auth", "session=without-voice") => answer(403, "", ""),
            ("/voice-auth", _) => answer(401, "", ""),
            _ => answer(404, "", ""),
        })
    };
    ScriptedProvider::start(script).url
}

#[tokio::test]
async fn an_application_says_whose_session_it_is() {
    let settings =
        &section("## A server-rendered application with session cookies").blocks("toml")[0];
    assert!(settings.contains("http://app:3000/"));
    let settings = settings.replace("http://app:3000", &application());
    let documented = Guarded::start_with(&settings, &[]);
    let origin = ("origin", "https://app.example");

    let answer = documented.ask(&[origin, ("cookie", "session=ada")]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    documented.recorded(r#""caller":{"id":"ada","via":"forward"}"#);

    let evil = documented.ask(&[("origin", "https://evil.example"), ("cookie", "session=ada")]);
    assert_eq!(refused(&evil.await), is(403, "origin_not_allowed"));
    for cookie in [&[("cookie", "session=other")] as &[_], &[]] {
        let answer = documented.ask(&[&[origin], cookie].concat()).await;
        assert_eq!(refused(&answer), is(401, "unauthenticated"));
    }
    let answer = documented.ask(&[origin, ("cookie", "session=without-voice")]).await;
    assert_eq!(refused(&answer), is(403, "forbidden"));
}

#[tokio::test]
async fn an_application_that_is_down_lets_nobody_in() {
    let settings =
        &section("## A server-rendered application with session cookies").blocks("toml")[0];
    // Nobody listens there.
    let settings = settings.replace("http://app:3000", "http://127.0.0.1:1");
    let documented = Guarded::start_with(&settings, &[]);
    let headers = [("origin", "https://app.example"), ("cookie", "session=ada")];
    let answer = documented.ask(&headers).await;
    assert_eq!(refused(&answer), is(503, "authentication_unavailable"));
}

#[tokio::test]
async fn a_proxys_word_is_good_from_that_proxy() {
    let settings = &section("## Behind oauth2-proxy").blocks("toml")[0];
    let trusted = [("VALETKEY__SERVER__TRUSTED_PROXIES", "127.0.0.1/32")];
    let documented = Guarded::start_with(settings, &trusted);
    let origin = ("origin", "https://app.example");
    let ada = ("x-forwarded-user", "ada");
    let answer = documented.ask(&[origin, ada]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    documented.recorded(r#""caller":{"id":"ada","via":"proxy"}"#);
    assert_eq!(refused(&documented.ask(&[origin]).await), is(401, "unauthenticated"));
    let evil = documented.ask(&[("origin", "https://evil.example"), ada]).await;
    assert_eq!(refused(&evil), is(403, "origin_not_allowed"));

    let untrusted = Guarded::start_with(settings, &[]);
    assert_eq!(refused(&untrusted.ask(&[origin, ada]).await), is(401, "unauthenticated"));
}

#[tokio::test]
async fn another_program_has_a_key_and_limits_of_its_own() {
    let section = section("## Service to service");
    let (key, printed) = keygen(&section);
    assert!(key.starts_with("vk_"));
    let settings = with_hash(&section.blocks("toml")[0], &printed);
    assert!(settings.contains(&printed), "keygen prints what is on the page:\n{printed}");
    let environment = with_hash(&section.blocks("env")[0], &printed);
    let environment: Vec<_> =
        environment.lines().map(|line| line.split_once('=').unwrap()).collect();
    let bearer = format!("Bearer {key}");
    for documented in [Guarded::start_with(&settings, &[]), Guarded::start_with("", &environment)] {
        // More at once than one person may have.
        for _ in 0..20 {
            let answer = documented.ask(&[("authorization", &bearer)]).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let policy = answer.header("ratelimit-policy").unwrap();
            let own = r#""caller";q=300;w=60, "caller_quota";q=10000;w=86400"#;
            assert!(policy.ends_with(own) && policy.contains(r#""address";q=600"#), "{policy}");
        }
        documented.recorded(r#""caller":{"id":"backend","via":"key"}"#);
        let sdk = [("xi-api-key", key.as_str())];
        let answer = documented.send(Method::POST, "/v1/realtime/client_secrets", &sdk).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        for nobody in [&[("authorization", "Bearer vk_wrong")] as &[_], &[]] {
            assert_eq!(refused(&documented.ask(nobody).await), is(401, "unauthenticated"));
        }
    }
}

#[tokio::test]
async fn the_first_grant_that_fits_decides() {
    let (key, printed) = keygen(&section("## Service to service"));
    let settings = with_hash(&section("## Grants").blocks("toml")[0], &printed);
    let documented = Guarded::start_with(&settings, &[]);
    let bearer = format!("Bearer {key}");
    let mine = [("authorization", bearer.as_str())];
    assert_eq!(documented.token("batch_scribe", &mine).await.status, 200);
    assert_eq!(refused(&documented.ask(&mine).await), is(403, "forbidden"));
    let listed = documented.send(Method::GET, "/tokens", &mine).await.json();
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_answer_says_where_its_caller_stands() {
    let shown = &section("## Limits").blocks("http")[0];
    let documented = Guarded::start_with("", &[]);
    let answer = documented.ask(&[]).await;
    for line in shown.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        assert_eq!(answer.header(name), Some(value));
    }
}
