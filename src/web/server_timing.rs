//! The `Server-Timing` header: what the time until a token went into, in milliseconds. Browsers show it
//! beside the request.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};

use crate::vending::Asked;

pub(super) const HEADER: HeaderName = HeaderName::from_static("server-timing");

/// The header's value: what the pool had, how long the provider took, and how long all of it took.
pub(super) fn value(
    pool: Option<Asked>,
    upstream: Option<Duration>,
    total: Duration,
) -> Option<HeaderValue> {
    let mut text = Vec::with_capacity(96);
    if let Some(asked) = pool {
        text.extend_from_slice(b"pool;desc=\"");
        text.extend_from_slice(name(asked).as_bytes());
        text.extend_from_slice(b"\", ");
    }
    if let Some(took) = upstream {
        text.extend_from_slice(b"provider;dur=");
        millis(took, &mut text);
        text.extend_from_slice(b", ");
    }
    text.extend_from_slice(b"total;dur=");
    millis(total, &mut text);
    HeaderValue::try_from(text).ok()
}

/// Milliseconds with three decimals, from whole numbers: to round a fraction exactly takes long.
fn millis(duration: Duration, into: &mut Vec<u8>) {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    into.extend_from_slice(itoa::Buffer::new().format(micros / 1000).as_bytes());
    let rest = (micros % 1000) as u32;
    let decimals = [rest / 100, rest / 10 % 10, rest % 10].map(|digit| b'0' + digit as u8);
    into.push(b'.');
    into.extend_from_slice(&decimals);
}

/// What it is called, also in the log.
pub(super) fn name(asked: Asked) -> &'static str {
    match asked {
        Asked::Hit => "hit",
        Asked::Miss => "miss",
        Asked::Past => "past",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_there_was() {
        let text = |pool, upstream| {
            let value = value(pool, upstream, Duration::from_micros(151_234)).unwrap();
            value.to_str().unwrap().to_owned()
        };
        assert_eq!(text(Some(Asked::Hit), None), "pool;desc=\"hit\", total;dur=151.234");
        let upstream = Some(Duration::from_millis(150));
        assert_eq!(text(None, upstream), "provider;dur=150.000, total;dur=151.234");
        assert_eq!(
            text(Some(Asked::Miss), upstream),
            "pool;desc=\"miss\", provider;dur=150.000, total;dur=151.234"
        );
    }
}
