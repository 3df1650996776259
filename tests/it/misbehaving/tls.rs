//! Providers with the wrong certificate, or none, or who want to see ours; and with any HTTP.

use std::{
    convert::Infallible,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use hyper::{Request, Response, Version, body::Incoming, server::conn, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio_rustls::TlsAcceptor;

use super::{ANSWER, Case, Counting, Stage, Told, UNREACHABLE, VENDED};
use crate::support::{
    certificate::{Authority, Own, put, self_signed, server},
    provider::{self, hang},
};

/// Long enough for a machine that is busy: handshakes in a debug build take their time.
const TIMEOUT: &str = "timeout = \"6s\"";

fn providing(own: &Own, clients: Option<&Authority>) -> Counting {
    Counting::over_tls(Arc::new(server(own, clients)), ANSWER)
}

fn case(name: &str, provider: Counting, told: Told, settings: &str, why: &'static str) -> Case {
    let requests = usize::from(told == VENDED);
    let case = Case::eleven(name, provider, told).with(TIMEOUT).with(settings).saying(why);
    Case { requests, ..case }
}

/// A setting that names a file.
fn setting(name: &str, path: &Path) -> String {
    format!("{name} = \"file:{}\"\n", path.display())
}

#[tokio::test]
async fn certificates_of_providers() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let other = put(folder.path(), "other.pem", &Authority::new().root());
    let root = put(folder.path(), "ca.pem", &authority.root());
    // Several in one file, with words around them.
    let many = format!("# ours\n{}\nand theirs\n{}", Authority::new().root(), authority.root());
    let many = put(folder.path(), "many.pem", &many);
    let [root, other, many] = [root, other, many].map(|path| setting("ca", &path));
    let good = authority.vouch("localhost");
    let expired = authority.vouch_for_expired("localhost");
    let wrong_name = authority.vouch("provider.example");
    let lonely = self_signed("localhost");
    let pinned = setting("ca", &put(folder.path(), "lonely.pem", &lonely.cert));
    let failed = "the TLS handshake failed";
    let cases = vec![
        case("ours", providing(&good, None), VENDED, &root, ""),
        case("one of ours", providing(&good, None), VENDED, &many, ""),
        case("nobody's", providing(&good, None), UNREACHABLE, "", failed),
        case("another's", providing(&good, None), UNREACHABLE, &other, failed),
        case("expired", providing(&expired, None), UNREACHABLE, &root, failed),
        case("of another name", providing(&wrong_name, None), UNREACHABLE, &root, failed),
        case("self-signed", providing(&lonely, None), UNREACHABLE, &root, failed),
        case("self-signed, and ours", providing(&lonely, None), VENDED, &pinned, ""),
    ];
    Stage::start(cases).play().await;
}

#[tokio::test]
async fn handshakes_that_come_to_nothing() {
    let secure = |url: String| url.replace("http://", "https://");
    let stalled = secure(provider::serving(hang));
    // Whatever comes first: in a ClientHello there may be no line end.
    let plain = secure(provider::serving(|mut stream| {
        let _ = stream.read(&mut [0; 16 * 1024]);
        let _ = stream.write_all(ANSWER.as_bytes());
    }));
    // Having read what it got: with something unread the system would send a reset instead.
    let close = |mut stream: &TcpStream| drop(stream.read(&mut [0; 16 * 1024]));
    let closed = secure(provider::serving(close));
    let reset = secure(provider::serving(provider::reset));
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_url = format!("https://{}", silent.local_addr().unwrap());
    let none = "no connection could be made";
    let failed = "the provider cannot be reached: the TLS handshake failed";
    let cases = vec![
        Case::at("stalled", "xai", stalled, UNREACHABLE).saying(none),
        Case::at("nobody home", "xai", silent_url, UNREACHABLE).saying(none),
        Case::at("plain HTTP", "xai", plain, UNREACHABLE).saying(failed),
        Case::at("closed", "xai", closed, UNREACHABLE).saying(failed),
        Case::at("reset", "xai", reset, UNREACHABLE),
    ];
    Stage::start(cases).play().await;
}

#[tokio::test]
async fn a_provider_that_wants_to_know_who_we_are() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, clients, impostors) = (Authority::new(), Authority::new(), Authority::new());
    let strangers = Authority::called("stranger");
    let root = setting("ca", &put(folder.path(), "ca.pem", &authority.root()));
    let with = |name: &str, own: &Own| {
        let cert = put(folder.path(), &format!("{name}.crt"), &own.cert);
        let key = put(folder.path(), &format!("{name}.key"), &own.key);
        format!("{root}{}{}", setting("client_cert", &cert), setting("client_key", &key))
    };
    let known = with("known", &clients.vouch("valetkey"));
    let unknown = with("unknown", &strangers.vouch("valetkey"));
    let forged = with("forged", &impostors.vouch("valetkey"));
    let expired = with("expired", &clients.vouch_for_expired("valetkey"));
    let provider = |who| providing(&authority.vouch("localhost"), who);
    let minds = "it does not accept the client certificate, or wants one";
    let cases = vec![
        case("one it knows", provider(Some(&clients)), VENDED, &known, ""),
        case("one it does not ask for", provider(None), VENDED, &known, ""),
        case("none", provider(Some(&clients)), UNREACHABLE, &root, minds),
        case("a stranger's", provider(Some(&clients)), UNREACHABLE, &unknown, minds),
        case("a forged one", provider(Some(&clients)), UNREACHABLE, &forged, minds),
        case("one that is over", provider(Some(&clients)), UNREACHABLE, &expired, minds),
    ];
    Stage::start(cases).play().await;
}

/// A provider that offers these versions of HTTP, and whose token says which is spoken.
fn offering(own: &Own, versions: &[&str]) -> String {
    let mut config = server(own, None);
    config.alpn_protocols = versions.iter().map(|version| version.as_bytes().to_vec()).collect();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    listener.set_nonblocking(true).unwrap();
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let is_two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            tokio::spawn(async move {
                let (io, service) = (TokioIo::new(stream), service_fn(say_version));
                if is_two {
                    let server = conn::http2::Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(io, service).await;
                } else {
                    let _ = conn::http1::Builder::new().serve_connection(io, service).await;
                }
            });
        }
    });
    url
}

async fn say_version(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let version = if request.version() == Version::HTTP_2 { "two" } else { "one" };
    let number = COUNT.fetch_add(1, SeqCst);
    Ok(Response::new(format!("{{\"token\":\"{version}-{number}\"}}")))
}

#[tokio::test]
async fn the_version_of_http_is_the_providers_choice_or_ours() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let root = setting("ca", &put(folder.path(), "ca.pem", &authority.root()));
    let own = authority.vouch("localhost");
    let both = offering(&own, &["h2", "http/1.1"]);
    let only_one = offering(&own, &["http/1.1"]);
    let wanted = [
        (&both, "auto", "two"),
        (&both, "1", "one"),
        (&both, "2", "two"),
        (&only_one, "auto", "one"),
        (&only_one, "2", ""),
    ];
    let cases = wanted.map(|(url, http, version)| {
        let told = if version.is_empty() { UNREACHABLE } else { VENDED };
        let settings = format!("{TIMEOUT}\n{root}http = \"{http}\"");
        Case::at(format!("{http} for {version}"), "elevenlabs", url, told).with(&settings)
    });
    let stage = Stage::start(cases.into());
    for (place, (_, http, version)) in wanted.iter().enumerate() {
        // The second comes over the same connection.
        for outcome in [stage.try_one(place).await, stage.ask(place).await] {
            let token = outcome.answer.json()["token"].as_str().unwrap_or_default().to_owned();
            assert_eq!(token.split('-').next(), Some(*version), "http = {http:?}");
        }
    }
}
