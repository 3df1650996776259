//! What an application cannot do, and what is remembered of its answers.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::application::{
    Act, Application, answer, asking, by_field, forward_to, headers, outcome, shortly,
};
use crate::{
    caller::{Asking, Rejected, forward::question},
    settings,
};

#[tokio::test]
async fn an_application_that_misbehaves_is_unavailable() {
    let start = Instant::now();
    let late = Err(Rejected::Unavailable("the application does not answer in time"));
    assert_eq!(outcome(Act::Hang, shortly).await, late);
    assert_eq!(outcome(Act::Drip("HTTP/1.1 200 OK\r\nx-user: "), shortly).await, late);
    assert_eq!(outcome(Act::Drip("HTTP/1.1 200 OK\r\n\r\n"), shortly).await, late);
    assert!(start.elapsed() < Duration::from_secs(5));

    let unreachable = Err(Rejected::Unavailable("the application cannot be reached"));
    assert_eq!(outcome(Act::HangUp, by_field).await, unreachable);
    assert_eq!(outcome(Act::Say("SSH-2.0\r\n\r\n".into()), by_field).await, unreachable);
    let credential = headers(&[("cookie", "a")]);
    let refused = forward_to("http://127.0.0.1:1/", by_field).ask(&asking(&credential)).await;
    assert_eq!(refused, unreachable);

    let cut_off = Act::Say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}".into());
    let cut_off = outcome(cut_off, by_field).await;
    assert_eq!(cut_off, Err(Rejected::Unavailable("the application's answer is cut off")));
}

#[tokio::test]
async fn a_connection_that_the_application_closed_in_the_meantime_is_not_used_again() {
    let kept_alive = "HTTP/1.1 200 OK\r\nx-user: ada\r\ncontent-length: 0\r\n\r\n";
    let application = Application::start(Act::Say(kept_alive.to_owned())).await;
    let forward = application.forward(|_| ());
    let credential = headers(&[("cookie", "a")]);
    for _ in 0..3 {
        assert_eq!(forward.ask(&asking(&credential)).await.as_deref(), Ok("ada"));
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_gigabyte_is_not_read() {
    let credential = headers(&[("cookie", "a")]);
    for head in [
        "HTTP/1.1 200 OK\r\nx-user: ada\r\ncontent-length: 1073741824\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx-user: ada\r\n\r\n",
    ] {
        let application = Application::start(Act::Flood(head)).await;
        let named = application.forward(|_| ()).ask(&asking(&credential)).await;
        assert_eq!(named.as_deref(), Ok("ada"));
        let read = application.forward(by_field).ask(&asking(&credential)).await;
        assert_eq!(read, Err(Rejected::Unavailable("the application's answer is too large")));
        // What the sockets hold is written before anyone reads.
        assert!(application.written.load(Ordering::SeqCst) < 64 << 20);
    }
    let endless_head = outcome(Act::Flood("HTTP/1.1 200 OK\r\nx-user:"), by_field).await;
    let unreachable = Rejected::Unavailable("the application cannot be reached");
    assert_eq!(endless_head, Err(unreachable));
}

fn remembering(settings: &mut settings::Forward) {
    settings.cache = Duration::from_secs(60);
}

#[tokio::test]
async fn a_yes_is_remembered_for_the_same_question_only() {
    let application = Application::start(answer("200", "x-user: ada\r\n", "")).await;
    let forward = application.forward(remembering);
    let ada = headers(&[("cookie", "session=a"), ("origin", "https://app.example")]);
    for _ in 0..3 {
        assert_eq!(forward.ask(&asking(&ada)).await.as_deref(), Ok("ada"));
    }
    assert_eq!(application.asked(), 1);
    let asked = Asking { path: "/v1/other", ..asking(&ada) };
    forward.ask(&asked).await.unwrap();
    let asked = Asking { client: [203, 0, 113, 8].into(), ..asking(&ada) };
    forward.ask(&asked).await.unwrap();
    assert_eq!(application.asked(), 3);
    for other in [
        &[("cookie", "session=b"), ("origin", "https://app.example")] as &[_],
        &[("cookie", "session=a"), ("origin", "https://other.example")],
        &[("cookie", "session=a")],
        &[("authorization", "session=a")],
        &[("authorization", "x"), ("cookie", "session=a"), ("origin", "https://app.example")],
    ] {
        let before = application.asked();
        forward.ask(&asking(&headers(other))).await.unwrap();
        assert_eq!(application.asked(), before + 1, "{other:?}");
    }
    forward.ask(&asking(&ada)).await.unwrap();
    assert_eq!(application.asked(), 8);
}

#[tokio::test]
async fn a_yes_is_forgotten_in_time_and_nothing_else_is_remembered() {
    let credential = headers(&[("cookie", "a")]);
    let application = Application::start(answer("200", "x-user: ada\r\n", "")).await;
    let forward = application.forward(|settings| settings.cache = Duration::from_millis(20));
    forward.ask(&asking(&credential)).await.unwrap();
    sleep(Duration::from_millis(30)).await;
    forward.ask(&asking(&credential)).await.unwrap();
    assert_eq!(application.asked(), 2);
    for (status, headers) in [("401", ""), ("403", ""), ("500", ""), ("302", ""), ("200", "")] {
        let application = Application::start(answer(status, headers, "")).await;
        let forward = application.forward(remembering);
        for _ in 0..2 {
            forward.ask(&asking(&credential)).await.unwrap_err();
        }
        assert_eq!(application.asked(), 2, "{status}");
    }
}

#[tokio::test]
async fn debug_shows_no_credential() {
    let application = Application::start(answer("200", "x-user: canary\r\n", "")).await;
    let forward = application.forward(remembering);
    let request = headers(&[("authorization", "Bearer canary"), ("cookie", "session=canary")]);
    forward.ask(&asking(&request)).await.unwrap();
    let question = question::headers(&asking(&request), true).unwrap();
    assert_eq!(question["cookie"], "session=canary");
    let asking = asking(&request);
    for printed in [format!("{forward:?}"), format!("{question:?}"), format!("{asking:?}")] {
        assert!(!printed.contains("canary"), "{printed}");
    }
}
