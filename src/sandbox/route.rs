//! The routes of the stand-ins that can be faulted and are kept in the history, by name.

use std::fmt;

use axum::http::HeaderName;

/// A provider that is stood in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Provider {
    Xai,
    ElevenLabs,
}

/// A route of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    XaiMint,
    XaiRealtime,
    ElevenLabsMint,
    ElevenLabsScribe,
    ElevenLabsUpload,
    ElevenLabsTts,
}

/// What a route is for, which decides what faults make sense on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Mint,
    Upload,
    Socket,
}

impl Provider {
    pub(crate) const ALL: [Self; 2] = [Self::Xai, Self::ElevenLabs];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Xai => "xai",
            Self::ElevenLabs => "elevenlabs",
        }
    }

    /// Under which header it names a request.
    pub(crate) fn request_id(self) -> HeaderName {
        match self {
            Self::Xai => HeaderName::from_static("x-request-id"),
            Self::ElevenLabs => HeaderName::from_static("request-id"),
        }
    }
}

impl Route {
    pub(crate) const ALL: [Self; 6] = [
        Self::XaiMint,
        Self::XaiRealtime,
        Self::ElevenLabsMint,
        Self::ElevenLabsScribe,
        Self::ElevenLabsUpload,
        Self::ElevenLabsTts,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::XaiMint => "xai/mint",
            Self::XaiRealtime => "xai/realtime",
            Self::ElevenLabsMint => "elevenlabs/mint",
            Self::ElevenLabsScribe => "elevenlabs/scribe",
            Self::ElevenLabsUpload => "elevenlabs/upload",
            Self::ElevenLabsTts => "elevenlabs/tts",
        }
    }

    pub(crate) fn provider(self) -> Provider {
        match self {
            Self::XaiMint | Self::XaiRealtime => Provider::Xai,
            Self::ElevenLabsMint
            | Self::ElevenLabsScribe
            | Self::ElevenLabsUpload
            | Self::ElevenLabsTts => Provider::ElevenLabs,
        }
    }

    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::XaiMint | Self::ElevenLabsMint => Kind::Mint,
            Self::ElevenLabsUpload => Kind::Upload,
            Self::XaiRealtime | Self::ElevenLabsScribe | Self::ElevenLabsTts => Kind::Socket,
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
