//! Headers that a message may hold once.

use http::{HeaderMap, HeaderValue, header::AsHeaderName};

/// How often a header is in a message. Of two values, it is anyone's guess which one another reader took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Only<'a> {
    /// It is not there.
    Absent,
    /// It is there once.
    Once(&'a HeaderValue),
    /// It is there more than once.
    Repeated,
}

impl<'a> Only<'a> {
    /// The value, if the header is there exactly once.
    pub const fn value(self) -> Option<&'a HeaderValue> {
        match self {
            Self::Once(value) => Some(value),
            Self::Absent | Self::Repeated => None,
        }
    }
}

/// How often `headers` have `name`.
pub fn only(headers: &HeaderMap, name: impl AsHeaderName) -> Only<'_> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Only::Absent,
        (Some(value), None) => Only::Once(value),
        (Some(_), Some(_)) => Only::Repeated,
    }
}

#[cfg(test)]
mod tests {
    use http::header::HOST;

    use super::*;

    #[test]
    fn a_header_is_there_once_or_it_has_no_value() {
        let (one, two) = (HeaderValue::from_static("a"), HeaderValue::from_static("b"));
        let mut headers = HeaderMap::new();
        assert_eq!(only(&headers, HOST), Only::Absent);
        headers.append(HOST, one.clone());
        assert_eq!(only(&headers, HOST).value(), Some(&one));
        headers.append(HOST, two);
        assert_eq!((only(&headers, "host"), only(&headers, HOST).value()), (Only::Repeated, None));
    }
}
