//! Every route of the stand-ins, and the layers over them.

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::from_fn_with_state,
    response::Response,
    routing::{MethodRouter, get, post},
};
use tower_http::{
    cors::{AllowHeaders, AllowMethods, Any, CorsLayer},
    set_header::SetResponseHeaderLayer,
};

use super::{
    control, elevenlabs,
    front::{Gate, front, identified},
    history::Entry,
    route::{Provider, Route},
    state::Sandbox,
    xai,
};

/// What every answer of the stand-ins carries, so that none is taken for the real thing.
const MARK: HeaderName = HeaderName::from_static("valetkey-sandbox");

/// The routes of both providers, and the sandbox's own.
pub(crate) fn router(sandbox: Sandbox) -> Router {
    providers(&sandbox)
        .merge(control::routes())
        .fallback(not_found)
        .layer(cors())
        // Outermost, so that preflights carry it too.
        .layer(SetResponseHeaderLayer::overriding(MARK, HeaderValue::from_static("1")))
        .with_state(sandbox)
}

fn providers(sandbox: &Sandbox) -> Router<Sandbox> {
    let at = |route, methods| gated(sandbox, route, methods);
    let upload = post(elevenlabs::upload::upload).layer(DefaultBodyLimit::disable());
    Router::new()
        .route("/v1/realtime/client_secrets", at(Route::XaiMint, post(xai::mint::mint)))
        .route("/v1/realtime", at(Route::XaiRealtime, get(xai::realtime::realtime)))
        .route(
            "/v1/single-use-token/{token_type}",
            at(Route::ElevenLabsMint, post(elevenlabs::mint::mint)),
        )
        .route("/v1/speech-to-text", at(Route::ElevenLabsUpload, upload))
        .route(
            "/v1/speech-to-text/realtime",
            at(Route::ElevenLabsScribe, get(elevenlabs::scribe::scribe)),
        )
        .route(
            "/v1/text-to-speech/{voice}/stream-input",
            at(Route::ElevenLabsTts, get(elevenlabs::tts::single)),
        )
        .route(
            "/v1/text-to-speech/{voice}/multi-stream-input",
            at(Route::ElevenLabsTts, get(elevenlabs::tts::multi)),
        )
}

/// `methods` behind the gate of `route`; other methods are refused as its provider does.
fn gated(sandbox: &Sandbox, route: Route, methods: MethodRouter<Sandbox>) -> MethodRouter<Sandbox> {
    let methods = match route.provider() {
        Provider::Xai => methods.fallback(xai::errors::method_not_allowed),
        Provider::ElevenLabs => methods.fallback(elevenlabs::errors::method_not_allowed),
    };
    methods.layer(from_fn_with_state(Gate { sandbox: sandbox.clone(), route }, front))
}

/// Pages talk to the providers directly: whatever is answered, they must be able to read it.
///
/// The requested headers are mirrored because `*` would not cover `Authorization`.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .allow_private_network(true)
        .expose_headers(Any)
}

/// What the provider that was probably meant says about an unknown path.
async fn not_found(State(sandbox): State<Sandbox>, request: Request) -> Response {
    let path = request.uri().path();
    if path == "/_sandbox" || path.starts_with("/_sandbox/") {
        return control::not_found();
    }
    let (parts, _) = request.into_parts();
    let xai = parts.uri.path().starts_with("/v1/realtime")
        || parts.headers.contains_key(header::AUTHORIZATION);
    let provider = if xai { Provider::Xai } else { Provider::ElevenLabs };
    let record = sandbox.history.add(Entry::new(&sandbox.tokens, &parts, Some(provider), None));
    let answer = match provider {
        Provider::Xai => xai::errors::not_found(),
        Provider::ElevenLabs => elevenlabs::errors::not_found(),
    };
    record.status(answer.status().as_u16());
    identified(provider, answer)
}
