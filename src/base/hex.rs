//! Bytes as lower-case hexadecimal digits.

use std::fmt;

/// Shows bytes as two hexadecimal digits each.
#[derive(Clone, Copy, Debug)]
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        // In pieces: a SHA-256 is written for every token.
        let mut text = [0; 64];
        for bytes in self.0.chunks(text.len() / 2) {
            let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
            for (place, digit) in text.iter_mut().zip(digits) {
                *place = DIGITS[usize::from(digit)];
            }
            f.write_str(str::from_utf8(&text[..2 * bytes.len()]).unwrap_or_default())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_has_two_digits() {
        assert_eq!(Hex(&[]).to_string(), "");
        assert_eq!(Hex(&[0, 0x0f, 0xa0, 0xff]).to_string(), "000fa0ff");
        assert_eq!(Hex(&[0x5a; 100]).to_string(), "5a".repeat(100));
    }
}
