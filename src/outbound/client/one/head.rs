//! What an answer begins with: its status, how long its body is, whether another may follow it
//! (RFC 9112, sections 4, 6.3 and 9.3).

use std::mem::MaybeUninit;

use http::{StatusCode, header};
use httparse::{Header, Response, Status};

/// The most headers that are read.
const MOST: usize = 100;

/// It is not HTTP.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotHttp;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) length: Length,
    /// Another request can be sent behind it.
    pub(super) keeps: bool,
    /// How long it is itself, in bytes.
    pub(super) end: usize,
}

/// How long a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// In bytes.
    Known(u64),
    Chunked,
    /// It ends with the connection.
    UntilEnd,
}

impl Head {
    /// The head at the beginning of `text`, if that is all there.
    pub(super) fn parse(text: &[u8]) -> Result<Option<Self>, NotHttp> {
        let mut headers = [const { MaybeUninit::uninit() }; MOST];
        let Some((end, response)) = parse(text, &mut headers)? else { return Ok(None) };
        let status = response.code.and_then(|it| StatusCode::from_u16(it).ok()).ok_or(NotHttp)?;
        let (mut known, mut chunked, mut is_clear) = (None, None, true);
        let is_newer = response.version == Some(1);
        let mut keeps = is_newer;
        for Header { name, value } in response.headers.iter() {
            if name.eq_ignore_ascii_case(header::CONTENT_LENGTH.as_str()) {
                for length in elements(value) {
                    let length = number(length);
                    is_clear &= *known.get_or_insert(length) == length && length.is_some();
                }
            } else if name.eq_ignore_ascii_case(header::TRANSFER_ENCODING.as_str()) {
                // The coding that was applied last counts.
                let last = elements(value).last().unwrap_or_default();
                let is_text = value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
                chunked = Some(is_text && last.eq_ignore_ascii_case(b"chunked"));
            } else if name.eq_ignore_ascii_case(header::CONNECTION.as_str()) {
                keeps &= !elements(value).any(|it| it.eq_ignore_ascii_case(b"close"));
            }
        }
        let length = match (chunked, known) {
            _ if status.is_informational() => Length::Known(0),
            _ if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) => {
                Length::Known(0)
            }
            (Some(_), _) if !is_newer => return Err(NotHttp),
            (Some(true), _) => Length::Chunked,
            (Some(false), _) | (None, None) => Length::UntilEnd,
            (None, Some(length)) if is_clear => Length::Known(length.ok_or(NotHttp)?),
            (None, Some(_)) => return Err(NotHttp),
        };
        // Where both are given, someone on the way may have gone by the other.
        keeps &= chunked.is_none() || known.is_none();
        keeps &= length != Length::UntilEnd && status != StatusCode::SWITCHING_PROTOCOLS;
        Ok(Some(Self { status, length, keeps, end }))
    }

    /// Whether it says only that the answer is still to come.
    pub(super) fn is_interim(&self) -> bool {
        self.status.is_informational() && self.status != StatusCode::SWITCHING_PROTOCOLS
    }
}

/// The values of the header `name` in a whole head that are text.
pub(super) fn values<'a>(head: &'a [u8], name: &str) -> Vec<&'a str> {
    let mut headers = [const { MaybeUninit::uninit() }; MOST];
    let Ok(Some((_, response))) = parse(head, &mut headers) else { return Vec::new() };
    let all = response.headers.iter().filter(|it| it.name.eq_ignore_ascii_case(name));
    all.filter_map(|it| str::from_utf8(it.value).ok()).collect()
}

type Parsed<'h, 'a> = Option<(usize, Response<'h, 'a>)>;

fn parse<'h, 'a>(
    text: &'a [u8],
    headers: &'h mut [MaybeUninit<Header<'a>>],
) -> Result<Parsed<'h, 'a>, NotHttp> {
    let mut response = Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let parsed = config.parse_response_with_uninit_headers(&mut response, text, headers);
    match parsed.map_err(|_| NotHttp)? {
        Status::Complete(end) => Ok(Some((end, response))),
        Status::Partial => Ok(None),
    }
}

/// The elements of a list.
fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

fn number(text: &[u8]) -> Option<u64> {
    // A sign would be taken as well.
    let digits = Some(text).filter(|it| it.iter().all(u8::is_ascii_digit))?;
    str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<Option<(u16, Length, bool)>, NotHttp> {
        let text = text.replace('\n', "\r\n") + "\r\n";
        let head = Head::parse((text.clone() + "more").as_bytes())?;
        Ok(head.map(|head| {
            assert_eq!(head.end, text.len());
            (head.status.as_u16(), head.length, head.keeps)
        }))
    }

    #[test]
    fn the_length_of_a_body_is_what_the_head_says() {
        use Length::{Chunked, Known, UntilEnd};
        for (text, status, length, keeps) in [
            ("HTTP/1.1 200 OK\nContent-Length: 12\n", 200, Known(12), true),
            ("HTTP/1.1 200\ncontent-length: 12, 12\nCONTENT-LENGTH: 012\n", 200, Known(12), true),
            ("HTTP/1.1 200 OK\n", 200, UntilEnd, false),
            ("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n", 200, Chunked, true),
            ("HTTP/1.1 200 OK\nTransfer-Encoding: gzip, Chunked\n", 200, Chunked, true),
            ("HTTP/1.1 200 OK\nTransfer-Encoding: chunked, gzip\n", 200, UntilEnd, false),
            (
                "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nContent-Length: 5\n",
                200,
                Chunked,
                false,
            ),
            ("HTTP/1.1 200 OK\nContent-Length: 1\nConnection: close\n", 200, Known(1), false),
            ("HTTP/1.1 200 OK\nContent-Length: 1\nConnection: x, Close\n", 200, Known(1), false),
            ("HTTP/1.1 200 OK\nContent-Length: 1\nConnection: keep-alive\n", 200, Known(1), true),
            ("HTTP/1.0 200 OK\nContent-Length: 1\n", 200, Known(1), false),
            ("HTTP/1.1 204 No Content\n", 204, Known(0), true),
            ("HTTP/1.1 304 Not Modified\nContent-Length: 7\n", 304, Known(0), true),
            ("HTTP/1.1 103 Early Hints\nLink: x\n", 103, Known(0), true),
            ("HTTP/1.1 101 Switching Protocols\nUpgrade: x\n", 101, Known(0), false),
        ] {
            assert_eq!(head(text), Ok(Some((status, length, keeps))), "{text}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_not_read() {
        for text in [
            "SSH-2.0-OpenSSH_9.2\n",
            "HTTP/1.1 99 x\n",
            "HTTP/1.1 20x OK\n",
            "HTTP/2 200\n",
            "HTTP/1.1 200 OK\nContent-Length: 1\nContent-Length: 2\n",
            "HTTP/1.1 200 OK\nContent-Length: 1, 2\n",
            "HTTP/1.1 200 OK\nContent-Length: +1\n",
            "HTTP/1.1 200 OK\nContent-Length: -1\n",
            "HTTP/1.1 200 OK\nContent-Length: 0x1\n",
            "HTTP/1.1 200 OK\nContent-Length: 99999999999999999999\n",
            "HTTP/1.1 200 OK\nContent-Length : 1\n",
            "HTTP/1.1 200 OK\nContent-Length: 1\n 2\n",
            "HTTP/1.1 200 OK\nno header\n",
            "HTTP/1.0 200 OK\nTransfer-Encoding: chunked\n",
            &("HTTP/1.1 200 OK\n".to_owned() + &"a: b\n".repeat(MOST + 1)),
        ] {
            assert_eq!(head(text), Err(NotHttp), "{text}");
        }
        assert!(head(&("HTTP/1.1 200 OK\n".to_owned() + &"a: b\n".repeat(MOST))).is_ok());
        assert_eq!(Head::parse(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"), Ok(None));
        assert_eq!(Head::parse(b""), Ok(None));
    }

    #[test]
    fn values_are_found_by_name_in_any_case() {
        let head = b"HTTP/1.1 429 x\r\nRetry-After: 1\r\nx: 2\r\nretry-after: \xe9\r\nRETRY-AFTER:  3 \r\n\r\n";
        assert_eq!(values(head, "retry-after"), ["1", "3"]);
        assert!(values(head, "date").is_empty());
    }
}
