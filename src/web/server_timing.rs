//! The `Server-Timing` header: what the time until a token went into, in milliseconds. Browsers show it
//! beside the request.

use std::{
    fmt::{self, Write as _},
    time::Duration,
};

use axum::http::{HeaderName, HeaderValue};

use crate::vending::Asked;

pub(super) const HEADER: HeaderName = HeaderName::from_static("server-timing");

/// The bytes of a usual header.
const USUAL: usize = 96;

/// The header's value: what the pool had, how long the provider took, and how long all of it took.
pub(super) fn value(
    pool: Option<Asked>,
    upstream: Option<Duration>,
    total: Duration,
) -> Option<HeaderValue> {
    let mut text = String::with_capacity(USUAL);
    // Writing to a `String` cannot fail.
    if let Some(asked) = pool {
        let _ = write!(text, "pool;desc=\"{}\", ", name(asked));
    }
    if let Some(took) = upstream {
        let _ = write!(text, "provider;dur={}, ", Millis(took));
    }
    let _ = write!(text, "total;dur={}", Millis(total));
    HeaderValue::try_from(text).ok()
}

/// Shows milliseconds with three decimals, from whole numbers: rounding a fraction takes long.
struct Millis(Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = u64::try_from(self.0.as_micros()).unwrap_or(u64::MAX);
        write!(f, "{}.{:03}", micros / 1000, micros % 1000)
    }
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
