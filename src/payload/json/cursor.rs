//! A place in a JSON text, and the steps that need nothing else. When one fails, the place is where the
//! fault is.

use super::error::{Expected, Fault};

/// Of a `\u` escape.
const HEX_DIGITS: usize = 4;

#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    #[inline(always)]
    pub(super) fn expect_key(&self) -> Result<(), Fault> {
        match self.peek() {
            Some(b'"') => Ok(()),
            other => Err(instead_of(Expected::Key, other)),
        }
    }

    #[inline(always)]
    pub(super) fn colon(&mut self) -> Result<(), Fault> {
        match self.peek_past_space() {
            Some(b':') => self.at += 1,
            other => return Err(instead_of(Expected::Colon, other)),
        }
        self.pass_space();
        Ok(())
    }

    /// Stands on the opening quote.
    #[inline(always)]
    pub(super) fn skip_string(&mut self) -> Result<(), Fault> {
        self.at += 1;
        loop {
            self.pass_plain();
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.skip_escape()?,
                other => return Err(not_in_string(other)),
            }
        }
    }

    /// What needs no look at each byte.
    #[inline(always)]
    pub(super) fn pass_plain(&mut self) {
        while let Some(word) = self.text.get(self.at..).and_then(|rest| rest.first_chunk()) {
            let marks = special_bytes(u64::from_le_bytes(*word));
            if marks != 0 {
                self.at += marks.trailing_zeros() as usize / 8;
                return;
            }
            self.at += 8;
        }
        while self.peek().is_some_and(|byte| !matches!(byte, 0..0x20 | b'"' | b'\\')) {
            self.at += 1;
        }
    }

    /// Stands on the backslash.
    fn skip_escape(&mut self) -> Result<(), Fault> {
        self.at += 1;
        let found = self.peek().ok_or(Fault::Unfinished)?;
        match found {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
            b'u' => {
                self.at += 1;
                for _ in 0..HEX_DIGITS {
                    if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return Err(instead_of(Expected::HexDigit, self.peek()));
                    }
                    self.at += 1;
                }
            }
            _ => return Err(Fault::UnknownEscape { found }),
        }
        Ok(())
    }

    #[inline]
    pub(super) fn skip_number(&mut self) -> Result<(), Fault> {
        self.pass(b'-');
        if !self.pass(b'0') {
            self.digits()?;
        }
        if self.pass(b'.') {
            self.digits()?;
        }
        if self.pass(b'e') || self.pass(b'E') {
            let _signed = self.pass(b'+') || self.pass(b'-');
            self.digits()?;
        }
        Ok(())
    }

    #[inline]
    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(instead_of(Expected::Digit, self.peek())) } else { Ok(()) }
    }

    #[inline]
    pub(super) fn literal(&mut self, literal: &[u8]) -> Result<(), Fault> {
        for byte in literal {
            if !self.pass(*byte) {
                return Err(instead_of(Expected::Literal, self.peek()));
            }
        }
        Ok(())
    }

    #[inline]
    pub(super) fn pass_space(&mut self) {
        self.peek_past_space();
    }

    /// What comes next that is no space.
    #[inline(always)]
    pub(super) fn peek_past_space(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.at += 1,
                next => return next,
            }
        }
    }

    /// Whether `byte` came next, and has been passed.
    #[inline(always)]
    pub(super) fn pass(&mut self, byte: u8) -> bool {
        let passed = self.peek() == Some(byte);
        self.at += usize::from(passed);
        passed
    }

    #[inline(always)]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline]
    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        self.text.get(start..self.at).unwrap_or_default()
    }
}

/// What is wrong about a byte where another was expected, or about the end of the text.
pub(super) fn instead_of(expected: Expected, found: Option<u8>) -> Fault {
    found.map_or(Fault::Unfinished, |found| Fault::Unexpected { found, expected })
}

pub(super) fn not_in_string(byte: Option<u8>) -> Fault {
    byte.map_or(Fault::Unfinished, |found| Fault::ControlCharacter { found })
}

/// The highest bit of the first special byte is set, and of none before it. Those after it are
/// unreliable, since the subtractions borrow.
#[inline(always)]
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    let quotes = (word ^ u64::from_le_bytes([b'"'; 8])).wrapping_sub(ONES);
    let backslashes = (word ^ u64::from_le_bytes([b'\\'; 8])).wrapping_sub(ONES);
    let controls = word.wrapping_sub(0x20 * ONES);
    // A byte with its highest bit set is none of the three.
    (quotes | backslashes | controls) & !word & HIGH
}
