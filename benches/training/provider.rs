//! A stand-in provider as real ones are reached: over TLS with either version of HTTP; and without.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::body::Body;
use hyper::{
    Request, Response,
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer},
};
use valetkey::base::clock::Clock;

/// One that runs as long as the process does.
pub struct Provider {
    pub plain: SocketAddr,
    /// The port at `localhost` where it speaks TLS.
    pub tls: u16,
    /// Its certificate, in PEM.
    pub certificate: String,
}

impl Provider {
    pub async fn start() -> Self {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let mut config = config.with_single_cert(vec![own.cert.der().clone()], key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let (plain, tls) = (listen().await, listen().await);
        let provider = Self {
            plain: plain.local_addr().unwrap(),
            tls: tls.local_addr().unwrap().port(),
            certificate: own.cert.pem(),
        };
        tokio::spawn(serve(plain, None));
        tokio::spawn(serve(tls, Some(TlsAcceptor::from(Arc::new(config)))));
        provider
    }
}

async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        tokio::spawn(connection(stream, tls.clone()));
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>) {
    let Some(tls) = tls else { return talk(stream, false).await };
    // Whoever hangs up is no matter.
    if let Ok(stream) = tls.accept(stream).await {
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        talk(stream, is_http2).await;
    }
}

async fn talk(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, is_http2: bool) {
    let (stream, service) = (TokioIo::new(stream), service_fn(answer));
    let _ = if is_http2 {
        http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service).await
    } else {
        http1::Builder::new().serve_connection(stream, service).await
    };
}

/// A token, with such headers as come from a provider behind a CDN.
async fn answer(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    static MINTED: AtomicU64 = AtomicU64::new(0);
    let number = MINTED.fetch_add(1, Ordering::Relaxed);
    let body = match request.uri().path() {
        "/v1/realtime/client_secrets" => {
            let expires_at = Clock::system().unix() + 60;
            format!(r#"{{"value":"ek_{number:024}","expires_at":{expires_at}}}"#)
        }
        _ => format!(r#"{{"token":"sutkn_{number:024}"}}"#),
    };
    let answer = Response::builder()
        .header("content-type", "application/json")
        .header("server", "stand-in")
        .header("cache-control", "no-store")
        .header("x-request-id", format!("{number:032x}"))
        .header("strict-transport-security", "max-age=31536000; includeSubDomains");
    Ok(answer.body(body.into()).unwrap())
}
