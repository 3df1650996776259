//! An HTTP client that does nothing by itself: no redirects, no proxy, no retries.

use std::sync::LazyLock;

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header::HeaderMap};
use serde_json::Value;

/// The client: one for all tests, since making one takes longer than a request. It keeps no connections,
/// which would end with the runtime of the test that opened them.
pub fn client() -> Client {
    static CLIENT: LazyLock<Client> = LazyLock::new(|| {
        Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(super::process::PATIENCE)
            .pool_max_idle_per_host(0)
            .build()
            .unwrap()
    });
    CLIENT.clone()
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub async fn of(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        // The connection's task closes it now. A test that then waits for a server without awaiting would keep
        // it open, and the server from its end.
        tokio::task::yield_now().await;
        Self { status, headers, text }
    }

    /// The answer to `request`.
    pub async fn to(request: RequestBuilder) -> Self {
        Self::of(request.send().await.unwrap()).await
    }

    /// `"ok"`, or the code of the problem.
    pub fn outcome(&self) -> String {
        if self.status.is_success() { "ok".to_owned() } else { self.code() }
    }

    /// The token, whichever provider's answer it is.
    pub fn token(&self) -> String {
        let body = self.json();
        let token = body.get("value").or(body.get("token")).and_then(Value::as_str);
        token.unwrap_or_else(|| panic!("no token: {}", self.text)).to_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The code of a problem document, after checking that it is one in every respect.
    pub fn code(&self) -> String {
        problem_code(self.status.as_u16(), |name| self.header(name), &self.json())
    }

    /// What every answer carries.
    pub fn check_headers(&self) {
        check_headers(|name| self.header(name));
    }
}

fn check_headers<'a>(header: impl Fn(&str) -> Option<&'a str>) {
    assert_eq!(header("cache-control"), Some("no-store"));
    assert_eq!(header("x-content-type-options"), Some("nosniff"));
    assert!(!header("x-request-id").unwrap().is_empty());
}

/// As [`Answer::code`], for an answer of whichever client.
pub fn problem_code<'a>(
    status: u16,
    header: impl Fn(&str) -> Option<&'a str>,
    problem: &Value,
) -> String {
    assert_eq!(header("content-type"), Some("application/problem+json"), "{problem}");
    check_headers(&header);
    assert_eq!(problem["status"], status);
    assert_eq!(problem["request_id"], header("x-request-id").unwrap());
    let code = problem["code"].as_str().unwrap();
    assert!(problem["type"].as_str().unwrap().ends_with(&format!("/problems.md#{code}")));
    for field in ["title", "detail"] {
        assert!(!problem[field].as_str().unwrap().is_empty(), "{field} of {code}");
    }
    assert_eq!(matches!(status, 429 | 503), problem["retry_after"].is_u64(), "{problem}");
    let seconds = header("retry-after").map(|text| text.parse::<u64>().unwrap());
    assert_eq!(problem["retry_after"].as_u64(), seconds);
    code.to_owned()
}

/// Sends a request without a body.
pub async fn send(method: Method, url: &str) -> Answer {
    Answer::to(client().request(method, url)).await
}

pub async fn get(url: &str) -> Answer {
    send(Method::GET, url).await
}

pub async fn post(url: &str) -> Answer {
    send(Method::POST, url).await
}

/// Posts `body` as JSON, whatever it is.
pub async fn post_json(url: &str, body: impl Into<String>) -> Answer {
    post_as(url, "application/json", body).await
}

/// Posts `body` as `media_type`.
pub async fn post_as(url: &str, media_type: &str, body: impl Into<String>) -> Answer {
    Answer::to(client().post(url).header("content-type", media_type).body(body.into())).await
}
