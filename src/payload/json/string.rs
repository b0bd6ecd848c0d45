//! Strings of the reader: borrowed from the text when they hold no escape and are UTF-8.

use std::borrow::Cow;
use std::iter;

use super::cursor::{Cursor, not_in_string};
use super::error::{Expected, Fault};
use crate::value::Text;

/// U+FFFD, which stands for each byte that is not UTF-8 and for each lone surrogate.
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// What an escape stands for.
enum Escape {
    Byte(u8),
    /// A UTF-16 code unit, which may be half of a character.
    Unit(u16),
}

impl<'a> Cursor<'a> {
    /// Stands behind the opening quote.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Result<Text<'a>, Fault> {
        let start = self.at;
        let is_ascii = self.pass_plain();
        let plain = self.since(start);
        if self.pass(b'"') && (is_ascii || str::from_utf8(plain).is_ok()) {
            return Ok(Cow::Borrowed(plain));
        }
        self.at = start;
        self.aside(Self::decoded_string).map(Cow::Owned)
    }

    /// Stands behind the opening quote.
    #[inline(never)]
    fn decoded_string(&mut self) -> Result<Vec<u8>, Fault> {
        let mut decoded = Vec::new();
        loop {
            let start = self.at;
            self.pass_plain();
            push_repaired(self.since(start), &mut decoded);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(decoded);
                }
                Some(b'\\') => match self.escape()? {
                    Escape::Byte(byte) => decoded.push(byte),
                    Escape::Unit(unit) => self.push_character(unit, &mut decoded),
                },
                other => return Err(not_in_string(other)),
            }
        }
    }

    /// Takes the next escape too when it is the other half of a surrogate pair; otherwise that one
    /// is left to be read by itself.
    fn push_character(&mut self, unit: u16, decoded: &mut Vec<u8>) {
        let mut low = None;
        if (0xd800..0xdc00).contains(&unit) && self.peek() == Some(b'\\') {
            let before = self.at;
            match self.escape() {
                Ok(Escape::Unit(next @ 0xdc00..0xe000)) => low = Some(next),
                _ => self.at = before,
            }
        }
        for character in char::decode_utf16(iter::once(unit).chain(low)) {
            let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
            decoded.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    /// Stands on the backslash.
    fn escape(&mut self) -> Result<Escape, Fault> {
        self.at += 1;
        let found = self.peek().ok_or(Fault::Unfinished)?;
        let byte = match found {
            b'"' | b'\\' | b'/' => found,
            b'b' => b'\x08',
            b'f' => b'\x0c',
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                self.at += 1;
                return self.hex_unit().map(Escape::Unit);
            }
            _ => return Err(Fault::UnknownEscape { found }),
        };
        self.at += 1;
        Ok(Escape::Byte(byte))
    }

    fn hex_unit(&mut self) -> Result<u16, Fault> {
        let mut unit = 0;
        for _ in 0..4 {
            let found = self.peek().ok_or(Fault::Unfinished)?;
            let digit = match found {
                b'0'..=b'9' => found - b'0',
                b'a'..=b'f' => found - b'a' + 10,
                b'A'..=b'F' => found - b'A' + 10,
                _ => {
                    return Err(Fault::Unexpected { found, expected: Expected::HexDigit });
                }
            };
            unit = unit << 4 | u16::from(digit);
            self.at += 1;
        }
        Ok(unit)
    }
}

/// As Go does it, every byte that is not UTF-8 is replaced by itself: a character cut off after two of
/// its three bytes becomes two replacements.
fn push_repaired(bytes: &[u8], out: &mut Vec<u8>) {
    for chunk in bytes.utf8_chunks() {
        out.extend_from_slice(chunk.valid().as_bytes());
        for _ in chunk.invalid() {
            out.extend_from_slice(REPLACEMENT);
        }
    }
}
