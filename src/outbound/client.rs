//! A client for one server: prepared requests, kept connections, failures classified. It follows no
//! redirect, and repeats nothing but what the server said that it did not process.

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use reqwest::{ClientBuilder, Request, Response, redirect};
use thread_local::ThreadLocal;
use tower::util::MapRequestLayer;
use url::Url;

use super::{
    CONNECT_TIMEOUT, MAX_IDLE, PING, ReadError, SendError, USER_AGENT, error::send_error,
    resolver::Resolver,
};

tokio::task_local! {
    /// Whether a connection was begun for the request that is being sent.
    static CONNECT_BEGUN: Cell<bool>;
}

/// The most requests in flight on the connections that all threads use.
pub(super) const MAX_COMMON: usize = 4;

/// Builds a new set of connections.
type Build = Box<dyn Fn() -> Result<reqwest::Client, reqwest::Error> + Send + Sync>;

/// A client for one server; all its copies share its connections.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    /// Used by all threads while few requests are in flight: they are then used often enough to stay open.
    common: ArcSwap<Connections>,
    /// One set for each thread, for busy times: a connection is looked after by the thread that opened it.
    own: ThreadLocal<ArcSwap<Connections>>,
    build: Build,
    resolver: Resolver,
    by_proxy: bool,
}

struct Connections {
    http: reqwest::Client,
    /// How many answers have come.
    answers: AtomicU64,
}

/// A POST without its body, to be sent again and again.
#[derive(Clone)]
pub struct PreparedPost {
    url: Url,
    headers: HeaderMap,
}

impl PreparedPost {
    /// A POST to `url` with `headers`.
    pub const fn new(url: Url, headers: HeaderMap) -> Self {
        Self { url, headers }
    }

    fn with(&self, body: Bytes) -> Request {
        let mut request = Request::new(Method::POST, self.url.clone());
        *request.headers_mut() = self.headers.clone();
        if body.is_empty() {
            // Some gateways refuse a POST that does not say how long it is.
            request.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(0));
        }
        *request.body_mut() = Some(body.into());
        request
    }
}

/// The head of an answer, and a way to its body.
pub struct Reply(Response);

impl Client {
    /// `builder` says how the server is reached. `by_proxy`: through a proxy.
    pub(super) fn new(
        builder: impl Fn() -> ClientBuilder + Send + Sync + 'static,
        resolver: Resolver,
        by_proxy: bool,
    ) -> Result<Self, reqwest::Error> {
        let build: Build = Box::new(move || builder().build());
        let common = ArcSwap::from_pointee(Connections::new(build()?));
        let own = ThreadLocal::new();
        Ok(Self(Arc::new(Shared { common, own, build, resolver, by_proxy })))
    }

    /// Sends `post` with `body`. It has no deadline: whoever calls sets one, and drops the future.
    ///
    /// # Errors
    /// When no answer came.
    pub fn post(
        &self,
        post: &PreparedPost,
        body: Bytes,
    ) -> impl Future<Output = Result<Reply, SendError>> {
        self.send(post.with(body))
    }

    /// Asks for `url`. It has no deadline: whoever calls sets one, and drops the future.
    ///
    /// # Errors
    /// When no answer came.
    pub fn get(
        &self,
        url: Url,
        headers: HeaderMap,
    ) -> impl Future<Output = Result<Reply, SendError>> {
        let mut request = Request::new(Method::GET, url);
        *request.headers_mut() = headers;
        self.send(request)
    }

    fn send(&self, request: Request) -> impl Future<Output = Result<Reply, SendError>> {
        let set = self.0.set();
        let connections = set.load_full();
        // The library holds the request from here on; only when it is polled does it send it.
        let answer = connections.http.execute(request);
        self.exchange(set, connections, answer)
    }

    async fn exchange(
        &self,
        set: &ArcSwap<Connections>,
        connections: Arc<Connections>,
        answer: impl Future<Output = Result<Response, reqwest::Error>>,
    ) -> Result<Reply, SendError> {
        let mut given_up = GivenUp::new(&self.0, set, &connections);
        let exchange = async { (answer.await, !CONNECT_BEGUN.with(Cell::get)) };
        let (answer, is_reused) = CONNECT_BEGUN.scope(Cell::new(false), exchange).await;
        given_up.is_over = true;
        match answer {
            Ok(answer) => {
                connections.answers.fetch_add(1, Relaxed);
                if is_ambiguous(&answer) { Err(SendError::NotHttp) } else { Ok(Reply(answer)) }
            }
            Err(error) => {
                if error.is_connect() {
                    self.0.resolver.doubt();
                }
                Err(send_error(&error, is_reused, self.0.by_proxy))
            }
        }
    }
}

impl Shared {
    /// The connections for a request from this thread.
    fn set(&self) -> &ArcSwap<Connections> {
        let common = self.common.load();
        // Each request in flight holds them, and so does the client.
        if Arc::strong_count(&common) <= MAX_COMMON {
            return &self.common;
        }
        let own =
            self.own.get_or_try(|| (self.build)().map(Connections::new).map(ArcSwap::from_pointee));
        // What was built once can be built again.
        own.unwrap_or(&self.common)
    }
}

impl Connections {
    const fn new(http: reqwest::Client) -> Self {
        Self { http, answers: AtomicU64::new(0) }
    }
}

/// Notices a request that is dropped before its answer: its deadline came, or nobody waits any more. Where
/// no answer to any request came meanwhile, the connections may be dead without a sign of it, or take no
/// requests: all of them are given up, so that the next request does not wait on them.
struct GivenUp<'a> {
    shared: &'a Shared,
    set: &'a ArcSwap<Connections>,
    connections: &'a Arc<Connections>,
    answers: u64,
    is_over: bool,
}

impl<'a> GivenUp<'a> {
    fn new(
        shared: &'a Shared,
        set: &'a ArcSwap<Connections>,
        connections: &'a Arc<Connections>,
    ) -> Self {
        let answers = connections.answers.load(Relaxed);
        Self { shared, set, connections, answers, is_over: false }
    }
}

impl Drop for GivenUp<'_> {
    fn drop(&mut self) {
        if self.is_over || self.connections.answers.load(Relaxed) != self.answers {
            return;
        }
        // What built the first ones builds these.
        if let Ok(http) = (self.shared.build)() {
            let fresh = Arc::new(Connections::new(http));
            // Whoever was given up with this request finds them replaced already.
            self.set.compare_and_swap(self.connections, fresh);
        }
    }
}

/// Whether others could find another end of its body than the library does, and so another beginning
/// of what follows (RFC 9112, section 6.3; RFC 9110, section 15.3.6).
fn is_ambiguous(answer: &Response) -> bool {
    let (headers, encoding) = (answer.headers(), header::TRANSFER_ENCODING);
    let chunked = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"chunked");
    let mut encodings = headers.get_all(&encoding).iter();
    let is_plain = encodings.next().is_none_or(chunked) && encodings.next().is_none();
    let has_both = headers.contains_key(encoding) && headers.contains_key(header::CONTENT_LENGTH);
    !is_plain || has_both || answer.status() == StatusCode::RESET_CONTENT
}

impl Reply {
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    /// The body, if it has at most `most` bytes.
    ///
    /// # Errors
    /// When it has more, or does not come to its end.
    pub async fn read_capped(self, most: usize) -> Result<Vec<u8>, ReadError> {
        let Self(mut answer) = self;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|_| ReadError::Truncated)? {
            if body.len() + chunk.len() > most {
                return Err(ReadError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// What all our clients have in common. `connect_timeout`: the longest that connecting may take, with the
/// name's lookup and TLS.
pub(super) fn builder(resolver: Resolver, connect_timeout: Duration) -> ClientBuilder {
    reqwest::Client::builder()
        // A redirect would take a secret header along to another host.
        .redirect(redirect::Policy::none())
        .referer(false)
        // Who sets HTTPS_PROXY for something else must not get our traffic.
        .no_proxy()
        .dns_resolver(resolver)
        .connect_timeout(connect_timeout.min(CONNECT_TIMEOUT))
        .connector_layer(MapRequestLayer::new(|target| {
            // Connecting goes on in a task of its own where the request got another connection meanwhile.
            let _ = CONNECT_BEGUN.try_with(|begun| begun.set(true));
            target
        }))
        .pool_idle_timeout(MAX_IDLE)
        .http2_keep_alive_interval(PING)
        .http2_keep_alive_timeout(PING)
        .user_agent(USER_AGENT)
}
