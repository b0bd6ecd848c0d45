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

    #[inline]
    fn enter(&mut self, is_object: bool) -> Result<(), Fault> {
        let word = self.objects.get_mut(self.depth / 64).filter(|_| self.depth < NESTING_MAX);
        let word = word.ok_or(Fault::TooDeep)?;
        let bit = 1 << (self.depth % 64);
        *word = if is_object { *word | bit } else { *word & !bit };
        self.depth += 1;
        Ok(())
    }

    /// Whether the container around is an object; `None` when it is not this scan's.
    #[inline]
    fn leave(&mut self) -> Option<bool> {
        self.depth -= 1;
        let around = self.depth.checked_sub(1).filter(|_| self.depth > self.floor)?;
        self.objects.get(around / 64).map(|word| word >> (around % 64) & 1 == 1)
    }
}

impl Reader<'_> {
    pub(super) fn skip(&mut self) -> Result<(), Fault> {
        value(&mut self.cursor, self.depth)
    }
}

/// Stands on the first byte of a value that lies in `depth` containers, or on what is there instead;
/// afterwards behind it, or on the fault.
#[inline(always)]
pub(super) fn value(cursor: &mut Cursor<'_>, depth: usize) -> Result<(), Fault> {
    match cursor.peek() {
        Some(b'{' | b'[') => cursor.aside(|cursor| container(cursor, depth)),
        _ => scalar(cursor),
    }
}

/// Stands on the first byte of a field's value that lies in `depth` containers; afterwards behind the opening
/// quote of the next key, or behind the object, which gives false.
#[inline(always)]
pub(super) fn to_next_key(cursor: &mut Cursor<'_>, depth: usize) -> Result<bool, Fault> {
    if cursor.pass(b'"') {
        cursor.pass_plain();
        if cursor.pass_all(TEXT_TO_NEXT) {
            return Ok(true);
        }
        cursor.skip_rest_of_string()?;
    } else {
        value(cursor, depth)?;
    }
    let more = cursor.more(b'}', Expected::CommaOrBrace)?;
    if more {
        cursor.open_key()?;
    }
    Ok(more)
}

#[inline(always)]
fn scalar(cursor: &mut Cursor<'_>) -> Result<(), Fault> {
    match cursor.peek() {
        Some(b'"') => {
            cursor.at += 1;
            cursor.pass_plain();
            cursor.skip_rest_of_string()
        }
        Some(b't') => cursor.literal(b"true"),
        Some(b'f') => cursor.literal(b"false"),
        Some(b'n') => cursor.literal(b"null"),
        Some(b'-' | b'0'..=b'9') => cursor.aside(Cursor::skip_number),
        other => Err(instead_of(Expected::Value, other)),
    }
}

/// Where a scan is.
enum Place {
    Value,
    BehindValue,
    InKey,
    InText,
}

/// Between two texts that stand side by side without a space, as most do, there is little to look at.
const KEY_TO_TEXT: &[u8; 3] = b"\":\"";
const TEXT_TO_NEXT: &[u8; 3] = b"\",\"";

#[inline(never)]
fn container(place: &mut Cursor<'_>, depth: usize) -> Result<(), Fault> {
    place.aside(|cursor| pass_container(cursor, depth))
}

#[inline(always)]
fn pass_container(cursor: &mut Cursor<'_>, depth: usize) -> Result<(), Fault> {
    let mut nesting = Nesting::above(depth);
    let mut is_object = false;
    let mut place = Place::Value;
    loop {
        place = match place {
            Place::Value => match cursor.peek() {
                Some(b'"') => {
                    cursor.at += 1;
                    Place::InText
                }
                Some(open @ (b'{' | b'[')) => {
                    is_object = open == b'{';
                    nesting.enter(is_object)?;
                    cursor.at += 1;
                    if cursor.peek_past_space() == Some(closing(is_object)) {
                        Place::BehindValue
                    } else {
                        next_element(cursor, is_object)?
                    }
                }
                _ => {
                    scalar(cursor)?;
                    Place::BehindValue
                }
            },
            Place::InKey => {
                cursor.pass_plain();
                if cursor.pass_all(KEY_TO_TEXT) {
                    Place::InText
                } else {
                    cursor.skip_rest_of_string()?;
                    cursor.colon()?;
                    Place::Value
                }
            }
            Place::InText => {
                cursor.pass_plain();
                if cursor.pass_all(TEXT_TO_NEXT) {
                    if is_object { Place::InKey } else { Place::InText }
                } else {
                    cursor.skip_rest_of_string()?;
                    Place::BehindValue
                }
            }
            Place::BehindValue => {
                if cursor.more(closing(is_object), comma_or_end(is_object))? {
                    next_element(cursor, is_object)?
                } else {
                    match nesting.leave() {
                        Some(around) => is_object = around,
                        None => return Ok(()),
                    }
                    Place::BehindValue
                }
            }
        }
    }
}

#[inline(always)]
fn next_element(cursor: &mut Cursor<'_>, is_object: bool) -> Result<Place, Fault> {
    if !is_object {
        return Ok(Place::Value);
    }
    cursor.open_key()?;
    Ok(Place::InKey)
}

#[inline(always)]
fn comma_or_end(is_object: bool) -> Expected {
    if is_object { Expected::CommaOrBrace } else { Expected::CommaOrBracket }
}

#[inline(always)]
fn closing(is_object: bool) -> u8 {
    if is_object { b'}' } else { b']' }
}
