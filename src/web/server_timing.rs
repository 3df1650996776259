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
    let pool = pool.map(|asked| format!("pool;desc=\"{}\"", name(asked)));
    let provider = upstream.map(|took| format!("provider;dur={}", millis(took)));
    let total = Some(format!("total;dur={}", millis(total)));
    let metrics: Vec<_> = [pool, provider, total].into_iter().flatten().collect();
    HeaderValue::try_from(metrics.join(", ")).ok()
}

/// Milliseconds with three decimals.
fn millis(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64() * 1e3)
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
