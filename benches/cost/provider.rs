//! The provider as the servers see it: the stand-in, where it listens, and its certificate.

use std::{net::SocketAddr, path::PathBuf};

use super::{
    http::post,
    server::{KEY, MINT, Server, free_address, role},
    tls::{self, CERTIFICATE, HOST, Version},
};

/// A stand-in that runs until this is dropped.
pub struct Provider {
    /// Its plain listener, as one of those that are compared.
    pub server: Server,
    http1: SocketAddr,
    http2: SocketAddr,
    folder: tempfile::TempDir,
}

impl Provider {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        tls::write_certificate(folder.path());
        let addresses @ [plain, http1, http2] = [free_address(), free_address(), free_address()];
        let mut command = role("stand-in");
        command.args(addresses.map(|address| address.to_string())).arg(folder.path());
        let request = post(plain, MINT, &[("xi-api-key", KEY)]);
        let logs = tempfile::tempdir().unwrap();
        let server = Server::start(command, logs, plain, vec![request]).await.0;
        Self { server, http1, http2, folder }
    }

    /// Where it listens; `tls`: what is spoken over TLS there, if that is.
    pub fn address(&self, tls: Option<Version>) -> SocketAddr {
        match tls {
            None => self.server.address,
            Some(Version::Http1) => self.http1,
            Some(Version::Http2) => self.http2,
        }
    }

    /// Its base URL.
    pub fn url(&self, tls: Option<Version>) -> String {
        match tls {
            None => format!("http://{}", self.server.address),
            Some(_) => format!("https://{HOST}:{}", self.address(tls).port()),
        }
    }

    /// The root that vouches for it, in PEM.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join(CERTIFICATE)
    }
}
