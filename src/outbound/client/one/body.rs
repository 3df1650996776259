//! A body that comes in chunks (RFC 9112, section 7.1).

use bytes::{Buf as _, BytesMut};
use httparse::Status;

use crate::outbound::Unread;

/// The longest line between chunks, in bytes.
const LONGEST_LINE: usize = 4 * 1024;

/// The longest line that has a chunk's length and nothing else, in bytes.
const BARE_LINE: usize = 18;

/// The most that all these lines may hold besides, in bytes.
const MOST_BESIDES: usize = 16 * 1024;

/// The longest trailers, in bytes, and the most.
const LONGEST_TRAILERS: usize = 16 * 1024;
const MOST_TRAILERS: usize = 64;

/// Takes chunks from what comes, and puts their contents together.
pub(super) struct Chunks {
    /// What there is of the body.
    pub(super) body: Vec<u8>,
    most: usize,
    next: Next,
    /// What came in lines besides lengths, in bytes.
    besides: usize,
}

/// What comes next.
enum Next {
    /// The line with a chunk's length.
    Length,
    /// So many bytes of a chunk.
    Data(usize),
    /// The line's end behind a chunk.
    End,
    /// The headers behind the last chunk, of which nobody wants to know.
    Trailers,
}

impl Chunks {
    pub(super) const fn new(most: usize) -> Self {
        Self { body: Vec::new(), most, next: Next::Length, besides: 0 }
    }

    /// Takes what can be taken from `text`; whether that was all of the body.
    pub(super) fn take(&mut self, text: &mut BytesMut) -> Result<bool, Unread> {
        loop {
            match self.next {
                Next::Length => {
                    let (line, length) = match httparse::parse_chunk_size(text) {
                        Ok(Status::Complete(it)) if is_length(&text[..it.0]) => it,
                        Ok(Status::Partial) if text.len() < LONGEST_LINE => return Ok(false),
                        _ => return Err(Unread::Truncated),
                    };
                    text.advance(line);
                    self.besides += line.saturating_sub(BARE_LINE);
                    if self.besides > MOST_BESIDES {
                        return Err(Unread::Truncated);
                    }
                    let left = self.most - self.body.len();
                    let length = usize::try_from(length).ok().filter(|length| *length <= left);
                    self.next = match length.ok_or(Unread::TooLarge)? {
                        0 => Next::Trailers,
                        length => Next::Data(length),
                    };
                }
                Next::Data(length) => {
                    let some = text.split_to(length.min(text.len()));
                    self.body.extend_from_slice(&some);
                    if some.len() < length {
                        self.next = Next::Data(length - some.len());
                        return Ok(false);
                    }
                    self.next = Next::End;
                }
                Next::End => match text.get(..2) {
                    Some(b"\r\n") => {
                        text.advance(2);
                        self.next = Next::Length;
                    }
                    None if b"\r".starts_with(text) => return Ok(false),
                    _ => return Err(Unread::Truncated),
                },
                Next::Trailers => {
                    let mut trailers = [httparse::EMPTY_HEADER; MOST_TRAILERS];
                    return match httparse::parse_headers(text, &mut trailers) {
                        Ok(Status::Complete((length, _))) if has_whole_ends(&text[..length]) => {
                            text.advance(length);
                            Ok(true)
                        }
                        Ok(Status::Partial) if text.len() < LONGEST_TRAILERS => Ok(false),
                        _ => Err(Unread::Truncated),
                    };
                }
            }
        }
    }
}

/// Whether it begins with a digit and has a single end: the library takes nothing for zero, and ends
/// in between for a part of what nobody wants to know.
fn is_length(line: &[u8]) -> bool {
    line[0].is_ascii_hexdigit() && line.len() <= LONGEST_LINE && has_whole_ends(line)
}

/// Whether lines end as they should.
fn has_whole_ends(lines: &[u8]) -> bool {
    lines.split_inclusive(|byte| *byte == b'\n').all(|line| line.ends_with(b"\r\n"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A body, and what follows it.
    type Read = (Vec<u8>, Vec<u8>);

    /// What comes of `text` in pieces of `size` bytes, if that is all of it.
    fn read(text: &[u8], size: usize, most: usize) -> Result<Option<Read>, Unread> {
        let (mut chunks, mut come) = (Chunks::new(most), BytesMut::new());
        let mut pieces = text.chunks(size);
        for piece in pieces.by_ref() {
            come.extend_from_slice(piece);
            if chunks.take(&mut come)? {
                let rest = pieces.flatten().copied();
                return Ok(Some((chunks.body, come.iter().copied().chain(rest).collect())));
            }
        }
        Ok(None)
    }

    #[test]
    fn a_body_is_what_its_chunks_are_in_whatever_pieces_they_come() {
        let text = b"5\r\nhello\r\n1;a=\"b\"\r\n,\r\n006 \r\n world\r\n0\r\nx: y\r\n\r\nnext";
        for size in 1..=text.len() {
            let read = read(text, size, 12).unwrap().unwrap();
            assert_eq!(read, (b"hello, world".to_vec(), b"next".to_vec()), "{size}");
        }
        for end in 0..text.len() - 4 {
            assert_eq!(read(&text[..end], 7, 12), Ok(None), "{end}");
        }
    }

    #[test]
    fn what_is_no_chunk_ends_it() {
        let long = "0;".to_owned() + &"x".repeat(LONGEST_LINE) + "\r\n";
        let trailer = "0\r\na: ".to_owned() + &"x".repeat(LONGEST_TRAILERS);
        let trailers = "0\r\n".to_owned() + &"a: b\r\n".repeat(MOST_TRAILERS + 1);
        let besides = format!("1;{}\r\nx\r\n", "y".repeat(1000)).repeat(20);
        for text in [
            &besides,
            "\r\n",
            "x\r\n",
            "-1\r\n",
            "1\nx\n",
            "1\r\nxy\r\n",
            "1\r\nx\n",
            "0\r\nx\n",
            "fffffffffffffffff\r\n",
            &long,
            &trailer,
            &trailers,
        ] {
            for size in [1, 1000] {
                assert_eq!(read(text.as_bytes(), size, 100), Err(Unread::Truncated), "{text}");
            }
        }
    }

    #[test]
    fn no_more_is_taken_than_wanted() {
        for text in ["b\r\n", "5\r\nhello\r\n6\r\n", "fffffffffffffff\r\n"] {
            assert_eq!(read(text.as_bytes(), 1, 10), Err(Unread::TooLarge), "{text}");
        }
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(text in "[0-2;x\r\n]{0,40}", size in 1..8_usize) {
            prop_assert_eq!(read(text.as_bytes(), size, 20), read(text.as_bytes(), 100, 20));
        }
    }
}
