//! What a sandbox says first: lines to paste.

use std::net::SocketAddr;

use crate::sandbox::{ELEVENLABS_KEY, XAI_KEY};

/// For `serve --sandbox`.
pub(super) fn serve(public: SocketAddr, stand_ins: SocketAddr) -> String {
    format!(
        "\
valetkey sandbox: http://{public}
Stand-in providers, worthless tokens, no keys needed. Try, from another terminal:

  curl -X POST http://{public}/session
  curl -X POST http://{public}/tokens/realtime_scribe
  curl http://{public}/tokens

The stand-ins are at http://{stand_ins}. Make them fail, and look at what reached them:

  curl -X POST http://{stand_ins}/_sandbox/faults -d '[\"xai/mint:status=429,retry_after=7,times=1\"]'
  curl http://{stand_ins}/_sandbox/history
"
    )
}

/// For `sandbox`.
pub(super) fn sandbox(address: SocketAddr) -> String {
    format!(
        "\
valetkey sandbox: stand-ins for xAI and ElevenLabs at http://{address}, worthless tokens.
Mint as at the providers:

  curl -X POST http://{address}/v1/realtime/client_secrets -H 'Authorization: Bearer {XAI_KEY}'
  curl -X POST http://{address}/v1/single-use-token/realtime_scribe -H 'xi-api-key: {ELEVENLABS_KEY}'

or through valetkey, from another terminal:

  XAI_API_KEY={XAI_KEY} VALETKEY__PROVIDERS__XAI__BASE_URL=http://{address} valetkey serve

Make them fail, and look at what reached them:

  curl -X POST http://{address}/_sandbox/faults -d '[\"xai/mint:status=429,retry_after=7,times=1\"]'
  curl http://{address}/_sandbox/history
"
    )
}
