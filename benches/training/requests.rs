//! What callers ask for, in the proportions that they do: tokens mostly.

use reqwest::{Client, Method, Request, StatusCode};
use serde_json::json;
use valetkey::base::clock::Clock;

use super::server::{AUDIENCE, ISSUER, JWT_SECRET, KEY, PAGE, PUBLISHABLE_KEY, Server};

/// A request, and how it should be answered.
pub struct Wanted {
    request: Request,
    status: StatusCode,
}

impl Wanted {
    pub async fn ask(&self, client: &Client) {
        let request = self.request.try_clone().unwrap();
        let answer = client.execute(request).await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert_eq!(status, self.status, "{} {}: {text}", self.request.method(), self.request.url());
    }
}

/// Each once, in turn.
pub fn all(client: &Client, server: &Server) -> Vec<Wanted> {
    let key = format!("Bearer {KEY}");
    let publishable = format!("Bearer {PUBLISHABLE_KEY}");
    let jwt = format!("Bearer {}", jwt());
    let to = |method, path: &str| client.request(method, format!("{}{path}", server.url()));
    let by = |path: &str, credential: &str| {
        to(Method::POST, path)
            .header("authorization", credential)
            .header("x-forwarded-for", "192.0.2.7")
            .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36")
    };
    let preflight = to(Method::OPTIONS, "/session")
        .header("origin", PAGE)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization");
    let minute = json!({ "expires_after": { "seconds": 60 } });
    let ok = StatusCode::OK;
    let wanted = [
        (by("/session", &key), ok),
        (by("/tokens/over_http1", &key), ok),
        (by("/tokens/over_http2", &jwt), ok),
        (by("/tokens/pooled", &key), ok),
        (preflight, ok),
        (by("/session", &publishable).header("origin", PAGE), ok),
        (by("/tokens/xai_realtime", &jwt).json(&minute), ok),
        (by("/tokens/pooled", &jwt), ok),
        (by("/v1/single-use-token/over_http2", &key), ok),
        (by("/session", "Bearer nobody"), StatusCode::UNAUTHORIZED),
        (to(Method::GET, "/healthz"), ok),
        (client.get(format!("{}/metrics", server.admin())), ok),
    ];
    wanted
        .into_iter()
        .map(|(request, status)| Wanted { request: request.build().unwrap(), status })
        .collect()
}

/// What an application gives to its user.
fn jwt() -> String {
    let expires = Clock::system().unix() + 3600;
    let claims = json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "user-7", "exp": expires });
    let key = jsonwebtoken::EncodingKey::from_secret(JWT_SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}
