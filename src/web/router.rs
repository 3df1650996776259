//! Every route there is.

use std::sync::Arc;

use axum::{
    Router,
    routing::{MethodRouter, get, post},
};

use super::{health, layers::Layered, mint, site::Site};
use crate::app::{App, Live};

/// What callers see, as `live` says.
pub fn public(app: &App, live: &Arc<Live>) -> Layered {
    let all = [
        ("/session", post(mint::session)),
        ("/tokens", get(mint::list)),
        ("/tokens/{type}", post(mint::token)),
        // The providers' own paths and shapes, for their SDKs.
        ("/v1/realtime/client_secrets", post(mint::client_secret)),
        ("/v1/single-use-token/{type}", post(mint::single_use_token)),
        ("/healthz", get(health::alive)),
        ("/readyz", get(health::ready)),
    ];
    Layered::new(Routes::new(all, Site { app: app.clone(), live: Arc::clone(live) }), live)
}

/// What the machine itself sees, as `live` says.
pub fn admin(app: &App, live: &Arc<Live>) -> Layered {
    let all = [
        ("/healthz", get(health::alive)),
        ("/readyz", get(health::ready_in_detail)),
        ("/metrics", get(health::metrics)),
    ];
    Layered::new(Routes::new(all, Site { app: app.clone(), live: Arc::clone(live) }), live)
}

/// Where requests go, and what that is called in the log.
#[derive(Clone)]
pub(super) struct Routes {
    pub(super) router: Router,
    paths: Arc<[&'static str]>,
}

impl Routes {
    pub(super) fn new<S: Clone + Send + Sync + 'static, const N: usize>(
        all: [(&'static str, MethodRouter<S>); N],
        state: S,
    ) -> Self {
        let paths = all.iter().map(|(path, _)| *path).collect();
        let router = all.into_iter().fold(Router::new(), |it, (path, way)| it.route(path, way));
        Self { router: router.with_state(state), paths }
    }

    /// The route of `path`. The router would say it only to what is inside of it.
    pub(super) fn path(&self, path: &str) -> Option<&'static str> {
        self.paths.iter().copied().find(|route| match route.split_once('{') {
            None => path == *route,
            Some((begin, _)) => {
                let parameter = path.strip_prefix(begin);
                parameter.is_some_and(|it| !it.is_empty() && !it.contains('/'))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, extract::Request, http::StatusCode};
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_route_is_found_where_the_router_finds_one() {
        let all = ["/a", "/a/{x}", "/b/c/{x}"].map(|path| (path, get(|| async {})));
        let routes = Routes::new(all, ());
        for (path, route) in [
            ("/a", Some("/a")),
            ("/a/b", Some("/a/{x}")),
            ("/a/%2f", Some("/a/{x}")),
            ("/a/{x}", Some("/a/{x}")),
            ("/b/c/d", Some("/b/c/{x}")),
            ("/a/", None),
            ("/a/b/", None),
            ("/a/b/c", None),
            ("/b/c", None),
            ("/b", None),
            ("/", None),
            ("//a", None),
        ] {
            assert_eq!(routes.path(path), route, "{path}");
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = routes.router.clone().oneshot(request).await.unwrap();
            let found = response.status() != StatusCode::NOT_FOUND;
            assert_eq!(found, route.is_some(), "{path}");
        }
    }
}
