//! Asks a small application, and looks at what it was sent and what becomes of its answers.

mod application;
mod bounds;

use application::{Application, answer, asking, by_field, headers, outcome};

use crate::caller::Rejected;

#[tokio::test]
async fn the_application_is_told_the_named_headers_and_nothing_else() {
    let application = Application::start(answer("200", "x-user: ada\r\n", "")).await;
    let request = headers(&[
        ("host", "voice.example"),
        ("authorization", "Bearer canary"),
        ("cookie", "a=1"),
        ("cookie", "b=2"),
        ("origin", "https://app.example"),
        ("x-forwarded-user", "root"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-proto", "https"),
        ("x-original-url", "/admin"),
        ("x-user", "root"),
        ("connection", "keep-alive, authorization"),
        ("transfer-encoding", "chunked"),
        ("content-length", "7"),
        ("user-agent", "curl"),
    ]);
    let id = application.forward(|_| ()).ask(&asking(&request)).await;
    assert_eq!(id.as_deref(), Ok("ada"));
    let told = application.seen.lock().unwrap()[0].to_lowercase();
    let (first, rest) = told.trim_end().split_once("\r\n").unwrap();
    assert_eq!(first, "get /auth?of=voice http/1.1");
    let mut lines: Vec<_> = rest.split("\r\n").collect();
    lines.sort_unstable();
    let host =
        format!("host: {}", &application.url["http://".len()..].replace("/auth?of=voice", ""));
    let agent = format!("user-agent: valetkey/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        lines,
        [
            "accept: */*",
            "authorization: bearer canary",
            "cookie: a=1; b=2",
            &host,
            "origin: https://app.example",
            &agent,
            "x-forwarded-for: 203.0.113.7",
            "x-forwarded-host: voice.example",
            "x-forwarded-method: post",
            "x-forwarded-proto: http",
            "x-forwarded-uri: /v1/voice",
            "x-original-uri: /v1/voice",
        ]
    );
}

#[tokio::test]
async fn only_an_authorization_can_have_been_guessed() {
    let application = Application::start(answer("401", "", "")).await;
    let forward = application.forward(|_| ());
    let cookie = headers(&[("cookie", "a=1")]);
    let both = headers(&[("cookie", "a=1"), ("authorization", "Basic canary")]);
    assert_eq!(forward.ask(&asking(&cookie)).await, Err(Rejected::SignedOut));
    let wrong = Err(Rejected::Wrong("the application does not know it"));
    assert_eq!(forward.ask(&asking(&both)).await, wrong);
}

#[tokio::test]
async fn cookies_stay_here_unless_they_are_to_be_passed_on() {
    let application = Application::start(answer("200", "x-user: ada\r\n", "")).await;
    let forward = application.forward(|settings| settings.cookies = false);
    let cookie = headers(&[("cookie", "a=1")]);
    let both = headers(&[("cookie", "a=1"), ("authorization", "Basic canary")]);
    assert!(application.forward(|_| ()).applies(&asking(&cookie)));
    assert!(!forward.applies(&asking(&cookie)) && forward.applies(&asking(&both)));
    assert!(!application.forward(|_| ()).applies(&asking(&headers(&[("cookie", "")]))));
    forward.ask(&asking(&both)).await.unwrap();
    assert!(!application.seen.lock().unwrap()[0].to_lowercase().contains("cookie"));
}

#[tokio::test]
async fn what_is_said_twice_is_not_passed_on() {
    let application = Application::start(answer("200", "x-user: ada\r\n", "")).await;
    for twice in ["authorization", "origin"] {
        let request = headers(&[(twice, "a"), (twice, "b")]);
        let refused = application.forward(|_| ()).ask(&asking(&request)).await;
        assert!(matches!(refused, Err(Rejected::Wrong(_))), "{twice}");
    }
    assert_eq!(application.asked(), 0);
}

#[tokio::test]
async fn yes_needs_a_name_and_no_is_no() {
    let ada = Ok("ada".to_owned());
    let nobody = Err(Rejected::Unavailable("the application names no caller"));
    let neither = Err(Rejected::Unavailable("the application answers neither yes nor no"));
    for (status, headers, expected) in [
        ("200", "X-User: ada\r\n", &ada),
        ("204", "x-user: ada\r\n", &ada),
        ("200", "", &nobody),
        ("200", "x-user:  \r\n", &nobody),
        ("200", "x-user: ada\r\nx-user: bob\r\n", &nobody),
        ("200", "x-user: a\tb\r\n", &nobody),
        ("401", "x-user: ada\r\n", &Err(Rejected::SignedOut)),
        ("403", "x-user: ada\r\n", &Err(Rejected::Forbidden)),
        ("400", "x-user: ada\r\n", &neither),
        ("404", "x-user: ada\r\n", &neither),
        ("429", "x-user: ada\r\n", &neither),
        ("500", "x-user: ada\r\n", &neither),
    ] {
        assert_eq!(&outcome(answer(status, headers, ""), |_| ()).await, expected, "{status}");
    }
    let no_json = Err(Rejected::Unavailable("the application's answer is no JSON"));
    for (body, expected) in [
        (r#"{"user":{"id":"ada"}}"#, &ada),
        (r#"{"user":{"id":7}}"#, &Ok("7".to_owned())),
        (r#"{"user":{"id":"a\nb"}}"#, &nobody),
        (r#"{"user":{"id":""}}"#, &nobody),
        (r#"{"user":["id"]}"#, &nobody),
        ("<html>", &no_json),
        ("", &no_json),
    ] {
        assert_eq!(&outcome(answer("200", "x-user: eve\r\n", body), by_field).await, expected);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Application::start(answer("200", "x-user: eve\r\n", "")).await;
    for status in ["300", "301", "302", "303", "307", "308"] {
        let location = format!("location: {}\r\nx-user: ada\r\n", other.url);
        let redirected = outcome(answer(status, &location, ""), |_| ()).await;
        assert_eq!(redirected, Err(Rejected::Unavailable("the application redirects")));
    }
    assert_eq!(other.asked(), 0);
}
