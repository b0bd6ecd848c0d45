//! Passes over a value that nobody asks for: its syntax is checked, nothing is built.
//!
//! That is most of a payload, so it is one loop over local state instead of a recursion, with a bit for
//! each open container.

use super::cursor::{Cursor, instead_of};
use super::error::{Expected, Fault};
use super::{NESTING_MAX, Reader};

/// The containers that are open, the innermost last.
struct Nesting {
    /// A bit for each, set for objects.
    objects: [u64; NESTING_MAX.div_ceil(64)],
    /// Those that were open before are not this scan's to close.
    floor: usize,
    depth: usize,
}

impl Nesting {
    fn above(floor: usize) -> Self {
        Self { objects: [0; _], floor, depth: floor }
    }

    /// Whether the innermost container is an object; `None` when there is none.
    #[inline]
    fn innermost(&self) -> Option<bool> {
        let at = self.depth.checked_sub(1).filter(|_| self.depth > self.floor)?;
        self.objects.get(at / 64).map(|word| word >> (at % 64) & 1 == 1)
    }

    #[inline]
    fn enter(&mut self, is_object: bool) -> Result<(), Fault> {
        let word = self.objects.get_mut(self.depth / 64).filter(|_| self.depth < NESTING_MAX);
        let word = word.ok_or(Fault::TooDeep)?;
        let bit = 1 << (self.depth % 64);
        *word = if is_object { *word | bit } else { *word & !bit };
        self.depth += 1;
        Ok(())
    }

    #[inline]
    fn leave(&mut self) {
        self.depth -= 1;
    }
}

impl Reader<'_> {
    /// Stands on the first byte of a value, or on what is there instead; afterwards behind it, or on the
    /// fault.
    pub(super) fn skip(&mut self) -> Result<(), Fault> {
        let mut cursor = self.cursor;
        let skipped = skip(&mut cursor, self.depth);
        self.cursor = cursor;
        skipped
    }
}

#[inline]
fn skip(cursor: &mut Cursor<'_>, depth: usize) -> Result<(), Fault> {
    let mut nesting = Nesting::above(depth);
    loop {
        match cursor.peek() {
            Some(b'"') => cursor.skip_string()?,
            Some(open @ (b'{' | b'[')) => {
                let is_object = open == b'{';
                nesting.enter(is_object)?;
                cursor.at += 1;
                cursor.pass_space();
                if !cursor.pass(closing(is_object)) {
                    if is_object {
                        key(cursor)?;
                    }
                    continue;
                }
                nesting.leave();
            }
            Some(b't') => cursor.literal(b"true")?,
            Some(b'f') => cursor.literal(b"false")?,
            Some(b'n') => cursor.literal(b"null")?,
            Some(b'-' | b'0'..=b'9') => cursor.skip_number()?,
            other => return Err(instead_of(Expected::Value, other)),
        }
        // Behind a value, until another one has to follow.
        loop {
            let Some(is_object) = nesting.innermost() else { return Ok(()) };
            match cursor.peek_past_space() {
                Some(b',') => {
                    cursor.at += 1;
                    cursor.pass_space();
                    if is_object {
                        key(cursor)?;
                    }
                    break;
                }
                Some(byte) if byte == closing(is_object) => {
                    cursor.at += 1;
                    nesting.leave();
                }
                other => {
                    let expected = if is_object { Expected::CommaOrBrace } else { Expected::CommaOrBracket };
                    return Err(instead_of(expected, other));
                }
            }
        }
    }
}

/// A key and its colon.
#[inline]
fn key(cursor: &mut Cursor<'_>) -> Result<(), Fault> {
    cursor.expect_key()?;
    cursor.skip_string()?;
    cursor.colon()
}

#[inline]
fn closing(is_object: bool) -> u8 {
    if is_object { b'}' } else { b']' }
}
