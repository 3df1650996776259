//! From a name to a connection over which HTTP can be spoken: lookup, TCP, tunnel, TLS.

use std::{error::Error, io, sync::Arc, time::Duration};

use http::{HeaderMap, Uri};
use hyper_util::{
    client::legacy::connect::{HttpConnector, proxy::Tunnel},
    rt::TokioIo,
};
use rustix::io::ioctl_fionread;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{self, AlertDescription, ClientConfig, pki_types::ServerName},
};
use tower::Service as _;
use url::Url;

use super::{
    causes,
    dns::{NAMES, Names, Unresolved},
};
use crate::settings::Http;

/// The longest that connecting may take, with the name's lookup and TLS. Whoever takes longer will
/// not answer in time either.
pub(super) const CONNECTING: Duration = Duration::from_secs(5);

/// Why there is no connection. The library's own words are logged at debug level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unconnected {
    /// Nobody listens there.
    #[error("connection refused")]
    Refused,
    /// Its certificate is not trusted, or it does not speak TLS.
    #[error("the TLS handshake failed")]
    Tls,
    /// It wants a client certificate, or does not want ours.
    #[error("it does not accept the client certificate, or wants one")]
    ClientCertificate,
    /// The proxy in between does not let us through, or is none.
    #[error("the proxy makes no connection to it")]
    Proxy,
    /// Its name leads nowhere.
    #[error("its name cannot be resolved")]
    Name,
    /// Anything else on the way to a connection.
    #[error("no connection could be made")]
    NoConnection,
}

/// Bytes there and back, whatever they go through.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {
    /// Whether the system has something that was not read yet.
    fn has_unread(&self) -> bool;
}

impl Stream for TcpStream {
    fn has_unread(&self) -> bool {
        ioctl_fionread(self).is_ok_and(|bytes| bytes > 0)
    }
}

impl Stream for TlsStream<Box<dyn Stream>> {
    fn has_unread(&self) -> bool {
        self.get_ref().0.has_unread()
    }
}

#[cfg(any(test, fuzzing))]
impl Stream for tokio::io::DuplexStream {
    /// What is there is known at once.
    fn has_unread(&self) -> bool {
        false
    }
}

/// Makes connections to one server.
pub(super) struct Connector {
    tcp: HttpConnector<Names>,
    target: Far,
    /// By way of whom, and what that is told of us.
    proxy: Option<(Far, HeaderMap)>,
    http: Http,
    patience: Duration,
}

/// Someone to connect to.
#[derive(Clone)]
pub(super) struct Far {
    uri: Uri,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Far {
    /// At the host of `uri`, with TLS if that says so.
    pub(super) fn new(uri: Uri, config: Option<ClientConfig>) -> Result<Self, String> {
        let tls = match config.filter(|_| uri.scheme_str() == Some("https")) {
            Some(config) => {
                let host = uri.host().unwrap_or_default();
                let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
                let name = ServerName::try_from(host).map_err(|error| error.to_string())?;
                Some((TlsConnector::from(Arc::new(config)), name))
            }
            None => None,
        };
        Ok(Self { uri, tls })
    }

    /// Speaks TLS over `stream`, if it is spoken here; and whether HTTP/2 was agreed on.
    async fn secure(
        &self,
        stream: Box<dyn Stream>,
    ) -> Result<(Box<dyn Stream>, bool), Unconnected> {
        let Some((tls, name)) = &self.tls else { return Ok((stream, false)) };
        let secured = tls.connect(name.clone(), stream).await;
        let stream = secured.map_err(|error| failed(&error, Unconnected::Tls))?;
        let is_two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok((Box::new(stream), is_two))
    }
}

impl Connector {
    pub(super) fn new(
        target: Far,
        proxy: Option<(Far, HeaderMap)>,
        http: Http,
        patience: Duration,
    ) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(NAMES.clone());
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        Self { tcp, target, proxy, http, patience }
    }

    /// Whether the server may want all requests on one connection, as far as one can tell without
    /// having asked it.
    pub(super) fn may_share(&self) -> bool {
        match self.http {
            Http::Auto => self.target.tls.is_some(),
            Http::One => false,
            Http::Two => true,
        }
    }

    /// A connection; and whether HTTP/2 is spoken on it.
    pub(super) async fn connect(&self) -> Result<(Box<dyn Stream>, bool), Unconnected> {
        let connected = timeout(self.patience, self.stream()).await.unwrap_or_else(|_| {
            tracing::debug!(cause = "connecting took too long", "no connection");
            Err(Unconnected::NoConnection)
        });
        if connected.is_err() {
            NAMES.doubt(self.target.uri.host().unwrap_or_default());
        }
        let (stream, is_two) = connected?;
        Ok((stream, is_two || self.http == Http::Two))
    }

    async fn stream(&self) -> Result<(Box<dyn Stream>, bool), Unconnected> {
        let stream = match &self.proxy {
            None => self.tcp(&self.target).await?,
            Some((proxy, headers)) => self.tunnel(proxy, headers).await?,
        };
        self.target.secure(stream).await
    }

    async fn tcp(&self, far: &Far) -> Result<Box<dyn Stream>, Unconnected> {
        let stream = self.tcp.clone().call(far.uri.clone()).await;
        let stream = stream.map_err(|error| failed(&error, Unconnected::NoConnection))?;
        Ok(Box::new(stream.into_inner()))
    }

    async fn tunnel(
        &self,
        proxy: &Far,
        headers: &HeaderMap,
    ) -> Result<Box<dyn Stream>, Unconnected> {
        let stream = self.tcp(proxy).await?;
        let mut stream = Some(TokioIo::new(proxy.secure(stream).await?.0));
        let there = tower::service_fn(move |_| {
            std::future::ready(stream.take().ok_or(Unconnected::NoConnection))
        });
        let tunnel = Tunnel::new(proxy.uri.clone(), there).with_headers(headers.clone());
        let stream = { tunnel }.call(self.target.uri.clone()).await;
        let stream = stream.map_err(|error| failed(&error, Unconnected::Proxy))?;
        Ok(stream.into_inner())
    }
}

/// What an error means that was met on the way. `otherwise`: what it is if it is nothing else.
fn failed(error: &(dyn Error + 'static), otherwise: Unconnected) -> Unconnected {
    // The words of TLS libraries hold names from the certificate, so they go no further.
    let cause = causes(error).last().map(ToString::to_string).unwrap_or_default();
    tracing::debug!(cause, "no connection");
    if causes(error).any(|cause| cause.is::<Unresolved>()) {
        return Unconnected::Name;
    }
    if minds_our_certificate(error) {
        return Unconnected::ClientCertificate;
    }
    let io = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).last();
    match io {
        Some(io) if io.kind() == io::ErrorKind::ConnectionRefused => Unconnected::Refused,
        Some(io) if io.raw_os_error().is_some() => Unconnected::NoConnection,
        _ => otherwise,
    }
}

/// Whether the other side ended the connection over the certificate that we showed, or did not. All
/// of these alerts belong to the handshake (RFC 8446, section 6.2), so no request was looked at; yet
/// with TLS 1.3 they come when we are done with it.
pub(super) fn minds_our_certificate(error: &(dyn Error + 'static)) -> bool {
    use AlertDescription as Alert;
    // What an io::Error wraps is not among its sources.
    let io = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>());
    io.filter_map(|io| io.get_ref()?.downcast_ref::<rustls::Error>()).any(|error| {
        matches!(
            error,
            rustls::Error::AlertReceived(
                Alert::NoCertificate
                    | Alert::BadCertificate
                    | Alert::UnsupportedCertificate
                    | Alert::CertificateRevoked
                    | Alert::CertificateExpired
                    | Alert::CertificateUnknown
                    | Alert::CertificateUnobtainable
                    | Alert::CertificateRequired
                    | Alert::BadCertificateStatusResponse
                    | Alert::BadCertificateHashValue
                    | Alert::UnknownCA
                    | Alert::AccessDenied
                    | Alert::DecryptError
            )
        )
    })
}

/// The host of `url`, with its port where that is not the scheme's own.
pub(super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Where to connect to for `url`.
///
/// # Errors
/// When nobody can; in words for the operator.
pub(super) fn uri(url: &Url) -> Result<Uri, String> {
    let uri = format!("{}://{}/", url.scheme(), authority(url));
    uri.parse().map_err(|_| "the base URL cannot be used in a request".to_owned())
}
