//! The ways in for [`crate::fuzzing`]: what is private here, and reads what a provider answers.

use std::time::{Duration, SystemTime};

use super::{
    ProviderError, elevenlabs,
    upstream::{self, Answer},
    xai,
};
use crate::token::{MintSpec, Minted};

/// When the token was asked for, and when the answer came, in Unix seconds.
pub(crate) const ASKED: u64 = 1_800_000_000;
pub(crate) const ANSWERED: u64 = ASKED + 2;

/// The lifetime that was asked for, in seconds.
pub(crate) const TTL: u32 = 300;

/// What the adapter for `kind` makes of an answer.
pub(crate) fn read(
    kind: &str,
    status: u16,
    retry_after: Option<Duration>,
    body: &[u8],
) -> Result<Minted, ProviderError> {
    let answer = Answer { status, retry_after, body: body.to_vec() };
    let spec = MintSpec { provider: "provider".into(), product: "product", ttl: TTL };
    match kind {
        "xai" => xai::read(&answer, &spec, ASKED, ANSWERED),
        _ => elevenlabs::read(&answer, ASKED),
    }
}

/// The wait that a `Retry-After` asks for.
pub(crate) fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    upstream::parse_retry_after(text, now)
}
