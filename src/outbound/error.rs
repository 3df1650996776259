//! Why a call got no answer, or no whole one. The libraries' own words are logged at debug level only:
//! those of TLS hold names from certificates.

use std::{error::Error, io};

use tokio_rustls::rustls::{self, AlertDescription as Alert};

use super::resolver::Unresolved;

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
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

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// There is no connection, or it was refused to us: nobody looked at the request.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server said that it did not process the request (RFC 9113, section 8.7).
    #[error("the server did not process the request")]
    Unprocessed,
    /// What came is not HTTP, or its end is ambiguous.
    #[error("the answer is not HTTP")]
    NotHttp,
    /// The request was sent on a connection that was not opened for it, and that ended without an answer.
    #[error("the connection had been open before, and was closed without an answer")]
    Stale,
    /// The connection ended without an answer: one that was opened for the request, or any with HTTP/2.
    #[error("the connection was closed without an answer")]
    HungUp,
}

/// Why an answer could not be read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is longer than anyone needs.
    #[error("it is too large")]
    TooLarge,
    /// It ended before its time.
    #[error("it is cut off")]
    Truncated,
}

/// What `error` means. `is_reused`: the request went out on a connection that was there before it.
/// `by_proxy`: the connection leads through a proxy.
pub(super) fn send_error(error: &reqwest::Error, is_reused: bool, by_proxy: bool) -> SendError {
    tracing::debug!(cause = root_cause(error), "the call failed");
    if error.is_connect() {
        return connect_error(error, by_proxy).into();
    }
    if rejects_our_certificate(error) {
        return ConnectError::ClientCertificate.into();
    }
    if let Some(http2) = find::<h2::Error>(error) {
        return if is_unprocessed(http2) { SendError::Unprocessed } else { SendError::HungUp };
    }
    match find::<hyper::Error>(error) {
        Some(http) if http.is_parse() => SendError::NotHttp,
        // The connection ended before anything of the request was sent.
        Some(http) if http.is_canceled() => ConnectError::NoConnection.into(),
        _ if is_reused => SendError::Stale,
        _ => SendError::HungUp,
    }
}

fn connect_error(error: &reqwest::Error, by_proxy: bool) -> ConnectError {
    if find::<Unresolved>(error).is_some() {
        return ConnectError::Name;
    }
    if rejects_our_certificate(error) {
        return ConnectError::ClientCertificate;
    }
    if rustls_error(error).is_some() {
        return ConnectError::Tls;
    }
    match io_errors(error).last() {
        Some(io) if io.kind() == io::ErrorKind::ConnectionRefused => ConnectError::Refused,
        Some(io) if io.raw_os_error().is_some() => ConnectError::NoConnection,
        _ if error.is_timeout() => ConnectError::NoConnection,
        _ if by_proxy => ConnectError::Proxy,
        // The handshake was cut off.
        Some(io) if io.kind() == io::ErrorKind::UnexpectedEof => ConnectError::Tls,
        _ => ConnectError::NoConnection,
    }
}

/// Both are safe to repeat by their standard.
fn is_unprocessed(error: &h2::Error) -> bool {
    let is_graceful = error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
    let is_refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
    error.is_remote() && (is_graceful || is_refused)
}

/// Whether the other side ended the connection over the certificate that we showed, or did not. All
/// of these alerts belong to the handshake (RFC 8446, section 6.2), so no request was looked at; yet
/// with TLS 1.3 they come when we are done with it.
fn rejects_our_certificate(error: &(dyn Error + 'static)) -> bool {
    matches!(
        rustls_error(error),
        Some(rustls::Error::AlertReceived(
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
        ))
    )
}

fn rustls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    io_errors(error).find_map(|io| io.get_ref()?.downcast_ref())
}

/// The I/O errors among the causes. What one of them wraps is not among its sources: TLS wraps twice.
fn io_errors<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a io::Error> {
    let inner = |io: &&'a io::Error| io.get_ref()?.downcast_ref::<io::Error>();
    let io = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>());
    io.flat_map(move |io| std::iter::successors(Some(io), inner))
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source())
}

/// The innermost cause: reqwest's own words say only that something failed, and where, URL included.
pub(super) fn root_cause(error: &reqwest::Error) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}
