//! Reads JSON as Go's `json.Decoder` with `UseNumber` does.
//!
//! Our own and not `serde_json`, because numbers keep the digits sent, invalid UTF-8 and lone surrogates
//! become U+FFFD instead of failing, strings without escapes are borrowed from the body, what follows
//! the value is ignored and only what a hook refers to is built; `serde_json` does not offer these
//! together.

mod cursor;
mod error;
mod skip;
mod string;
#[cfg(test)]
mod tests;
mod wanted;

use std::borrow::Cow;

use self::cursor::{Cursor, instead_of};
pub(crate) use self::error::JsonError;
use self::error::{Expected, Fault};
pub(crate) use self::wanted::Wanted;
use super::VALUES_MAX;
use crate::value::{Object, Text, Value};

/// How many arrays and objects may lie within each other. Reading, writing and dropping a value take a
/// few stack frames per level, and real payloads have a dozen levels; Go allows 10000.
const NESTING_MAX: usize = 1000;

/// The key under which hooks find a payload that is an array.
const ARRAY_KEY: &str = "root";

/// Parses the first JSON value of `text`; what follows it is ignored.
pub(crate) fn parse(text: &[u8]) -> Result<Value<'_>, JsonError> {
    parse_wanted(text, &Wanted::everything())
}

/// Like `parse`, but builds only what `wanted` names; everything else is checked for syntax and left
/// out, so that a name that is not wanted may be missing or null in the result.
pub(crate) fn parse_wanted<'a>(text: &'a [u8], wanted: &Wanted) -> Result<Value<'a>, JsonError> {
    read(text, |reader| reader.value(wanted))
}

/// Parses a request's body: an object, or an array, which is put under `root`; `None` for `null`. The
/// names in `wanted` are those that hooks use, so they begin with `root` where an array is meant.
pub(crate) fn parse_payload<'a>(text: &'a [u8], wanted: &Wanted) -> Result<Option<Object<'a>>, JsonError> {
    read(text, |reader| match reader.cursor.peek() {
        Some(b'[') => reader.root_array(wanted).map(Some),
        _ => {
            let start = reader.cursor.at;
            match reader.value(wanted)? {
                Value::Object(object) => Ok(Some(object)),
                Value::Null => Ok(None),
                _ => {
                    reader.cursor.at = start;
                    Err(Fault::Scalar)
                }
            }
        }
    })
}

fn read<'a, T>(
    text: &'a [u8],
    parse: impl FnOnce(&mut Reader<'a>) -> Result<T, Fault>,
) -> Result<T, JsonError> {
    let mut reader = Reader { cursor: Cursor::new(text), depth: 0, values: 0 };
    reader.cursor.pass_space();
    let parsed = if reader.cursor.peek().is_none() { Err(Fault::Empty) } else { parse(&mut reader) };
    parsed.map_err(|fault| JsonError::new(fault, text, reader.cursor.at))
}

/// A recursive descent whose frames are kept small, because a stranger chooses the depth. When a method
/// fails, `at` is where the fault is.
struct Reader<'a> {
    cursor: Cursor<'a>,
    depth: usize,
    /// Values that were built.
    values: usize,
}

impl<'a> Reader<'a> {
    fn root_array(&mut self, wanted: &Wanted) -> Result<Object<'a>, Fault> {
        let mut object = Object::new();
        match wanted.under_key(ARRAY_KEY.as_bytes()) {
            Some(below) => {
                object.insert(Cow::Borrowed(ARRAY_KEY.as_bytes()), self.value(below)?);
            }
            None => self.skip()?,
        }
        Ok(object)
    }

    /// Stands on the first byte of a value, or on what is there instead.
    fn value(&mut self, wanted: &Wanted) -> Result<Value<'a>, Fault> {
        self.count_values(1)?;
        match self.cursor.peek() {
            Some(b'"') => {
                self.cursor.at += 1;
                self.cursor.string().map(Value::Text)
            }
            Some(b'{') => self.object(wanted),
            Some(b'[') => self.array(wanted),
            Some(b't') => self.cursor.literal(b"true").map(|()| Value::Bool(true)),
            Some(b'f') => self.cursor.literal(b"false").map(|()| Value::Bool(false)),
            Some(b'n') => self.cursor.literal(b"null").map(|()| Value::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            other => Err(instead_of(Expected::Value, other)),
        }
    }

    fn count_values(&mut self, more: usize) -> Result<(), Fault> {
        self.values += more;
        if self.values > VALUES_MAX { Err(Fault::TooManyValues) } else { Ok(()) }
    }

    fn object(&mut self, wanted: &Wanted) -> Result<Value<'a>, Fault> {
        let mut object = Object::new();
        let mut more = self.open(b'}')?;
        while more {
            let depth = self.depth;
            match next_wanted(&mut self.cursor, wanted, depth)? {
                Some((key, below)) => {
                    // The last of equal keys counts, and nothing of the others.
                    object.insert(key, self.value(below)?);
                    more = self.more(b'}', Expected::CommaOrBrace)?;
                }
                None => {
                    self.depth -= 1;
                    more = false;
                }
            }
        }
        Ok(Value::Object(object))
    }

    /// Elements that nobody asks for are null as long as a wanted one follows. The array ends with the
    /// last wanted element, which answers "missing" for all indices that are asked for and not there.
    fn array(&mut self, wanted: &Wanted) -> Result<Value<'a>, Fault> {
        let mut array = Vec::new();
        let mut index = 0;
        let mut more = self.open(b']')?;
        while more {
            match wanted.under_index(index) {
                Some(below) => {
                    self.count_values(index - array.len())?;
                    array.resize(index, Value::Null);
                    array.push(self.value(below)?);
                }
                None => self.skip()?,
            }
            index += 1;
            more = self.more(b']', Expected::CommaOrBracket)?;
        }
        Ok(Value::Array(array))
    }

    fn number(&mut self) -> Result<Value<'a>, Fault> {
        let start = self.cursor.at;
        self.cursor.skip_number()?;
        // A number is ASCII, so there is no error to lose.
        let digits = str::from_utf8(self.cursor.since(start)).unwrap_or_default();
        Ok(Value::Number(Cow::Borrowed(digits)))
    }

    /// Goes into an array or object; whether anything is in it.
    #[inline]
    fn open(&mut self, close: u8) -> Result<bool, Fault> {
        if self.depth == NESTING_MAX {
            return Err(Fault::TooDeep);
        }
        self.depth += 1;
        self.cursor.at += 1;
        self.cursor.pass_space();
        let empty = self.cursor.pass(close);
        self.depth -= usize::from(empty);
        Ok(!empty)
    }

    fn more(&mut self, close: u8, expected: Expected) -> Result<bool, Fault> {
        let more = self.cursor.more(close, expected)?;
        self.depth -= usize::from(!more);
        Ok(more)
    }
}

/// Passes the fields that nobody asks for, up to the value of one that is wanted. `None` behind the object.
#[inline(never)]
fn next_wanted<'a, 'w>(
    place: &mut Cursor<'a>,
    wanted: &'w Wanted,
    depth: usize,
) -> Result<Option<(Text<'a>, &'w Wanted)>, Fault> {
    place.aside(|cursor| {
        cursor.open_key()?;
        loop {
            let key = cursor.string()?;
            cursor.colon()?;
            if let Some(below) = wanted.under_key(&key) {
                return Ok(Some((key, below)));
            }
            if !skip::to_next_key(cursor, depth)? {
                return Ok(None);
            }
        }
    })
}
