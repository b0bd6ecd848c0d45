//! Reads the format of Go's `printf`. As there, a wrong verb or argument shows in the output and is
//! no error.

use super::escape::characters;
use super::flags::{Flags, typed};
use super::functions::Limited;
use super::problem::Problem;
use super::value::Value;

/// Beyond this, Go does not take a `*` for a width.
const STAR_MAX: i64 = 1_000_000;

pub(super) fn printf(format: &[u8], arguments: &[Value]) -> Result<Vec<u8>, Problem> {
    let mut output = Limited::default();
    let mut reader =
        Format { rest: format, arguments, next: 0, reordered: false, good: true, indexed: false };
    while let Some(percent) = reader.rest.iter().position(|&byte| byte == b'%') {
        let (before, rest) = reader.rest.split_at(percent);
        output.push(before)?;
        reader.rest = rest;
        reader.skip();
        reader.verb(&mut output)?;
    }
    output.push(reader.rest)?;
    reader.extra(&mut output)?;
    Ok(output.bytes)
}

struct Format<'p> {
    rest: &'p [u8],
    arguments: &'p [Value],
    /// The argument that the next verb takes.
    next: usize,
    /// An index like `[2]` was used, so that unused arguments say nothing.
    reordered: bool,
    /// The indexes of this verb are right.
    good: bool,
    /// What came last was an index.
    indexed: bool,
}

impl Format<'_> {
    fn skip(&mut self) {
        self.rest = self.rest.split_first().map_or(&[], |(_, rest)| rest);
    }

    /// One verb, after its `%`.
    fn verb(&mut self, output: &mut Limited) -> Result<(), Problem> {
        self.good = true;
        let mut flags = self.flags();
        self.index();
        self.width(&mut flags, output)?;
        self.precision(&mut flags, output)?;
        if !self.indexed {
            self.index();
        }
        let Some(verb) = characters(self.rest).next() else {
            return output.push(b"%!(NOVERB)");
        };
        let length = verb.map_or(1, char::len_utf8);
        let verb = verb.unwrap_or(char::REPLACEMENT_CHARACTER);
        self.rest = self.rest.get(length..).unwrap_or_default();
        if verb == '%' {
            return output.push(b"%");
        }
        if !self.good {
            return output.push(format!("%!{verb}(BADINDEX)").as_bytes());
        }
        let Some(argument) = self.arguments.get(self.next) else {
            return output.push(format!("%!{verb}(MISSING)").as_bytes());
        };
        self.next += 1;
        if verb == 'v' {
            flags.go_syntax = std::mem::take(&mut flags.sharp);
            flags.plus = false;
        }
        output.push(&flags.formatted(argument, verb)?)
    }

    fn flags(&mut self) -> Flags {
        let mut flags = Flags::default();
        while let Some(byte) = self.rest.first() {
            match byte {
                b'#' => flags.sharp = true,
                b'0' => flags.zero = true,
                b'+' => flags.plus = true,
                b'-' => flags.minus = true,
                b' ' => flags.space = true,
                _ => break,
            }
            self.skip();
        }
        flags.zero &= !flags.minus;
        flags
    }

    fn width(&mut self, flags: &mut Flags, output: &mut Limited) -> Result<(), Problem> {
        if self.rest.first() == Some(&b'*') {
            self.skip();
            self.indexed = false;
            let Some(width) = self.star() else {
                return output.push(b"%!(BADWIDTH)");
            };
            flags.minus |= width < 0;
            flags.zero &= !flags.minus;
            flags.width = usize::try_from(width.unsigned_abs()).ok();
        } else {
            flags.width = self.number();
            self.good &= !(self.indexed && flags.width.is_some());
        }
        Ok(())
    }

    fn precision(&mut self, flags: &mut Flags, output: &mut Limited) -> Result<(), Problem> {
        if self.rest.first() != Some(&b'.') {
            return Ok(());
        }
        self.skip();
        self.good &= !self.indexed;
        self.index();
        if self.rest.first() == Some(&b'*') {
            self.skip();
            self.indexed = false;
            flags.precision = self.star().and_then(|precision| usize::try_from(precision).ok());
            if flags.precision.is_none() {
                return output.push(b"%!(BADPREC)");
            }
        } else {
            flags.precision = Some(self.number().unwrap_or(0));
        }
        Ok(())
    }

    /// Digits; far too many of them end the format, as in Go.
    fn number(&mut self) -> Option<usize> {
        let mut number = None;
        while let Some(digit) = self.rest.first().filter(|byte| byte.is_ascii_digit()) {
            let so_far = number.unwrap_or(0);
            if so_far > 1_000_000 {
                self.rest = &[];
                return None;
            }
            number = Some(so_far * 10 + usize::from(digit - b'0'));
            self.skip();
        }
        number
    }

    /// `[n]`: the next argument is the n-th.
    fn index(&mut self) {
        self.indexed = false;
        if self.rest.first() != Some(&b'[') {
            return;
        }
        self.reordered = true;
        self.skip();
        let Some(end) = self.rest.iter().position(|&byte| byte == b']') else {
            self.good = false;
            return;
        };
        let (digits, rest) = self.rest.split_at(end);
        self.rest = digits;
        let number = self.number().filter(|_| self.rest.is_empty());
        self.rest = rest;
        self.skip();
        self.indexed = number.is_some();
        match number.and_then(|number| number.checked_sub(1)).filter(|&index| index < self.arguments.len()) {
            Some(index) => self.next = index,
            None => self.good = false,
        }
    }

    /// The number that an argument gives for a `*`.
    fn star(&mut self) -> Option<i64> {
        let argument = self.arguments.get(self.next)?;
        self.next += 1;
        match argument {
            Value::Int(number) if (-STAR_MAX..=STAR_MAX).contains(number) => Some(*number),
            _ => None,
        }
    }

    fn extra(&self, output: &mut Limited) -> Result<(), Problem> {
        let unused = self.arguments.get(self.next..).unwrap_or_default();
        if self.reordered || unused.is_empty() {
            return Ok(());
        }
        output.push(b"%!(EXTRA ")?;
        for (position, argument) in unused.iter().enumerate() {
            output.push(if position > 0 { b", " } else { b"" })?;
            output.push(&typed(argument, argument.text().to_vec()))?;
        }
        output.push(b")")
    }
}
