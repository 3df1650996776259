//! A little audio to send where a provider would send speech.

use base64::{Engine as _, prelude::BASE64_STANDARD};

/// Samples per second, as both providers' sockets default to.
const SAMPLE_RATE: u16 = 24_000;

/// 100 ms of a 440 Hz tone: 16-bit little-endian mono PCM at 24 kHz, in base64.
pub(crate) fn tone() -> String {
    let pcm: Vec<u8> = (0..SAMPLE_RATE / 10).flat_map(|n| sample(n).to_le_bytes()).collect();
    BASE64_STANDARD.encode(pcm)
}

fn sample(n: u16) -> i16 {
    let phase = f32::from(n) / f32::from(SAMPLE_RATE) * 440.0 * std::f32::consts::TAU;
    (phase.sin() * 8_000.0) as i16
}
