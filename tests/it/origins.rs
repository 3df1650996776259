//! What a browser is told about other origins (CORS).

use reqwest::Method;

use crate::support::{
    http::{Answer, client},
    process::{Server, valetkey},
};

async fn ask(server: &Server, method: Method, path: &str, origin: &str) -> Answer {
    let request = client()
        .request(method, format!("{}{path}", server.url))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,x-stainless-os");
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn only_listed_origins_may_read_answers() {
    let sandbox = ["serve", "--sandbox", "--sandbox-listen", "127.0.0.1:0"];
    let server = Server::start(
        valetkey(&sandbox)
            .env("VALETKEY__ORIGINS__ALLOWED", "https://app.example, http://localhost:5173"),
    );
    for origin in ["https://app.example", "http://localhost:5173"] {
        let preflight = ask(&server, Method::OPTIONS, "/session", origin).await;
        assert_eq!(preflight.status, 200);
        assert_eq!(preflight.header("access-control-allow-origin"), Some(origin));
        let allowed = preflight.header("access-control-allow-headers").unwrap();
        assert!(allowed.contains("authorization") && allowed.contains("x-stainless-os"));
        for path in ["/session", "/nowhere"] {
            let answer = ask(&server, Method::POST, path, origin).await;
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin), "{path}");
            assert!(answer.header("vary").unwrap().contains("origin"));
            assert!(
                answer.header("access-control-expose-headers").unwrap().contains("retry-after")
            );
        }
    }
    for origin in
        ["https://app.example.evil", "http://app.example", "https://app.example:444", "null"]
    {
        let answer = ask(&server, Method::POST, "/session", origin).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
    }
}

#[tokio::test]
async fn without_origins_no_page_may_but_the_sandboxs_tokens_are_for_everyone() {
    let sandbox = Server::sandbox(&[]);
    let answer = ask(&sandbox, Method::POST, "/session", "https://any.example").await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let server = Server::in_front_of(&sandbox.stand_ins);
    let answer = ask(&server, Method::POST, "/session", "https://any.example").await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let preflight = ask(&server, Method::OPTIONS, "/session", "https://any.example").await;
    assert_eq!(preflight.code(), "method_not_allowed");
}
