//! Time as an input: whoever needs the wall clock is handed one, so that tests can set it.

use std::{
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use time::OffsetDateTime;

/// A wall clock.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    /// The machine's clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn system() -> Self {
        Self(Arc::new(SystemTime::now))
    }

    /// A clock that stands still at `unix` seconds.
    #[must_use]
    pub fn fixed(unix: u64) -> Self {
        Self(Arc::new(move || UNIX_EPOCH + std::time::Duration::from_secs(unix)))
    }

    /// A clock that shows what `now` says.
    #[cfg(test)]
    pub(crate) fn telling(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        (self.0)()
    }

    /// Now, in whole Unix seconds. A clock before 1970 reads as 0.
    #[must_use]
    pub fn unix(&self) -> u64 {
        self.now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.unix())
    }
}

/// A moment in UTC, as RFC 3339 has it. Written digit by digit: each token has several.
#[derive(Clone, Copy)]
pub struct Timestamp([u8; 26]);

impl From<SystemTime> for Timestamp {
    /// What is before 1970 is written as its beginning, and so is a year beyond 9999, which has no
    /// RFC 3339.
    fn from(at: SystemTime) -> Self {
        let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(since.as_secs()).map(OffsetDateTime::from_unix_timestamp);
        let (at, micros) = match seconds {
            Ok(Ok(at)) => (at, since.subsec_micros()),
            _ => (OffsetDateTime::UNIX_EPOCH, 0),
        };
        let (month, year) = (u32::from(u8::from(at.month())), at.year().unsigned_abs());
        let [hour, minute, second, day] =
            [at.hour(), at.minute(), at.second(), at.day()].map(u32::from);
        let mut text = *b"0000-00-00T00:00:00.000000";
        let numbers = [(year, 3), (month, 6), (day, 9), (hour, 12), (minute, 15), (second, 18)];
        for (mut number, mut place) in numbers.into_iter().chain([(micros, 25)]) {
            while number > 0 {
                text[place] += (number % 10) as u8;
                (number, place) = (number / 10, place.saturating_sub(1));
            }
        }
        Self(text)
    }
}

impl Timestamp {
    /// With milliseconds, and without the `Z` that ends it.
    #[must_use]
    pub fn millis(&self) -> &str {
        self.micros().get(..23).unwrap_or_default()
    }

    /// With microseconds, and without the `Z` that ends it.
    #[must_use]
    pub fn micros(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use time::format_description::well_known::Rfc3339;

    use super::*;

    #[test]
    fn a_timestamp_is_what_the_library_says() {
        let nanos = [0, 999, 1_000, 123_456_789, 999_999_999].map(Duration::from_nanos);
        let days = (0..2_932_896).step_by(97);
        for seconds in days.map(|day| day * 86_400 + day % 86_400).chain([253_402_300_799]) {
            let at = UNIX_EPOCH + Duration::from_secs(seconds);
            let said = OffsetDateTime::from(at).format(&Rfc3339).unwrap();
            for part in nanos {
                let micros = format!("{}.{:06}", said.trim_end_matches('Z'), part.subsec_micros());
                let ours = Timestamp::from(at + part);
                assert_eq!((ours.micros(), ours.millis()), (&*micros, &micros[..23]));
            }
        }
    }

    #[test]
    fn what_has_no_form_is_written_as_the_beginning() {
        let day = Duration::from_secs(86_400);
        for at in [UNIX_EPOCH - day, UNIX_EPOCH + 2_932_897 * day] {
            assert_eq!(Timestamp::from(at).micros(), "1970-01-01T00:00:00.000000");
        }
    }
}
