//! A place in a JSON text, and the steps that need nothing else. When one fails, the place is where the
//! fault is.

use wide::u8x16;

use super::error::{Expected, Fault};

/// Of a `\u` escape.
const HEX_DIGITS: usize = 4;

#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
    /// Of some part of the text, mostly of the one that `at` is in.
    marks: Marks,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, marks: Marks::from(text, 0) }
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

    /// Stands on the opening quote of a key, or on what is there instead; afterwards behind it.
    #[inline(always)]
    pub(super) fn open_key(&mut self) -> Result<(), Fault> {
        match self.peek() {
            Some(b'"') => self.at += 1,
            other => return Err(instead_of(Expected::Key, other)),
        }
        Ok(())
    }

    /// Stands within a string, behind what is plain of it; afterwards behind the closing quote.
    #[inline(always)]
    pub(super) fn skip_rest_of_string(&mut self) -> Result<(), Fault> {
        if self.pass(b'"') { Ok(()) } else { self.aside(Self::skip_special) }
    }

    #[inline(never)]
    fn skip_special(&mut self) -> Result<(), Fault> {
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.skip_escape()?,
                other => return Err(not_in_string(other)),
            }
            self.pass_plain();
        }
    }

    /// Passes what needs no look at each byte; whether it was all ASCII.
    #[inline(always)]
    pub(super) fn pass_plain(&mut self) -> bool {
        let mut is_ascii = true;
        loop {
            // Huge when the marks are of what comes later.
            let passed = self.at.wrapping_sub(self.marks.start);
            if passed >= BLOCK_BYTES {
                self.marks = Marks::from(self.text, self.at);
                continue;
            }
            let (special, high) = (self.marks.special >> passed, self.marks.high >> passed);
            if special != 0 {
                self.at += special.trailing_zeros() as usize;
                let before = special ^ (special - 1);
                return is_ascii && high & before == 0;
            }
            is_ascii &= high == 0;
            self.at = self.marks.start + BLOCK_BYTES;
        }
    }

    /// Takes a step that is not worth inlining, on a copy: so this place can stay in registers.
    #[inline(always)]
    pub(super) fn aside<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut copy = *self;
        let taken = step(&mut copy);
        *self = copy;
        taken
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

    #[inline(never)]
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

    #[inline(always)]
    pub(super) fn literal(&mut self, literal: &[u8]) -> Result<(), Fault> {
        for byte in literal {
            if !self.pass(*byte) {
                return Err(instead_of(Expected::Literal, self.peek()));
            }
        }
        Ok(())
    }

    #[inline(always)]
    pub(super) fn pass_space(&mut self) {
        self.peek_past_space();
    }

    /// What comes next that is no space.
    #[inline(always)]
    pub(super) fn peek_past_space(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(byte) if byte > b' ' => return Some(byte),
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

    /// Whether `bytes` came next, and have been passed.
    #[inline(always)]
    pub(super) fn pass_all<const N: usize>(&mut self, bytes: &[u8; N]) -> bool {
        let passed = self.text.get(self.at..).and_then(|rest| rest.first_chunk()) == Some(bytes);
        if passed {
            self.at += N;
        }
        passed
    }

    #[inline(always)]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Passes the comma or the end after an element; whether another one has to follow.
    #[inline(always)]
    pub(super) fn more(&mut self, close: u8, expected: Expected) -> Result<bool, Fault> {
        match self.peek_past_space() {
            Some(b',') => {
                self.at += 1;
                self.pass_space();
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            other => Err(instead_of(expected, other)),
        }
    }

    #[inline(always)]
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

/// Bytes that are looked at together: a word has a bit for each.
const BLOCK_BYTES: usize = 64;
/// What an instruction takes of them.
const PART_BYTES: usize = 16;

/// What stands where in a block of the text. The bit of its first byte is the lowest.
#[derive(Clone, Copy)]
struct Marks {
    start: usize,
    /// What ends the plain part of a string, as does the end of the text.
    special: u64,
    /// What is not ASCII.
    high: u64,
}

impl Marks {
    #[inline]
    fn from(text: &[u8], start: usize) -> Self {
        let rest = text.get(start..).unwrap_or_default();
        rest.first_chunk().map_or_else(|| Self::of_last(rest, start), |block| Self::of(block, start))
    }

    /// Less than a block is left: the zeros that fill it up are special.
    #[cold]
    fn of_last(rest: &[u8], start: usize) -> Self {
        let mut block = [0; BLOCK_BYTES];
        for (byte, of_text) in block.iter_mut().zip(rest) {
            *byte = *of_text;
        }
        Self::of(&block, start)
    }

    #[inline(always)]
    fn of(block: &[u8; BLOCK_BYTES], start: usize) -> Self {
        let mut marks = Self { start, special: 0, high: 0 };
        let (parts, _) = block.as_chunks::<PART_BYTES>();
        for (number, part) in parts.iter().enumerate() {
            let part = u8x16::new(*part);
            let quotes = part.simd_eq(u8x16::splat(b'"'));
            let backslashes = part.simd_eq(u8x16::splat(b'\\'));
            let controls = part.min(u8x16::splat(0x1f)).simd_eq(part);
            let special = (quotes | backslashes | controls).to_bitmask();
            marks.special |= u64::from(special) << (PART_BYTES * number);
            marks.high |= u64::from(part.to_bitmask()) << (PART_BYTES * number);
        }
        marks
    }
}
