//! Character classes and escapes, and the cursor that both halves of the translation read with.

use regex::Regex;

use super::{GoRegexError, Problem};

/// Matches nothing: a surrogate, which a Go pattern may name and no text holds.
const NOTHING: &str = r"[^\x{0}-\x{10FFFF}]";

const SURROGATES: std::ops::RangeInclusive<u32> = 0xD800..=0xDFFF;

#[derive(Clone, Copy)]
pub(super) struct Cursor<'p> {
    pattern_bytes: usize,
    rest: &'p str,
}

impl<'p> Cursor<'p> {
    pub(super) fn new(pattern: &'p str) -> Self {
        Self { pattern_bytes: pattern.len(), rest: pattern }
    }

    pub(super) fn offset(&self) -> usize {
        self.pattern_bytes - self.rest.len()
    }

    pub(super) fn rest(&self) -> &'p str {
        self.rest
    }

    /// Goes on at `rest`, which is the end of what `rest()` gave.
    pub(super) fn set_rest(&mut self, rest: &'p str) {
        self.rest = rest;
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let next = characters.next();
        self.rest = characters.as_str();
        next
    }

    pub(super) fn eat(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}

/// One character as an atom or in a class.
pub(super) fn character(code: u32) -> String {
    match char::from_u32(code) {
        Some(plain) if plain.is_ascii_alphanumeric() || !plain.is_ascii() => plain.to_string(),
        Some(_) => format!(r"\x{{{code:X}}}"),
        None => NOTHING.to_owned(),
    }
}

/// Reads `[…]`, in which Go knows no set operations and no classes in classes.
pub(super) fn bracketed(cursor: &mut Cursor<'_>) -> Result<String, GoRegexError> {
    let start = cursor.offset();
    cursor.eat("[");
    let mut out = String::from(if cursor.eat("^") { "[^" } else { "[" });
    let mut first = true;
    while first || !cursor.eat("]") {
        first = false;
        if let Some(class) = posix_class(cursor)? {
            out.push_str(class);
        } else if let Some(class) = escaped_class(cursor)? {
            out.push_str(&class);
        } else {
            out.push_str(&range(cursor, start)?);
        }
    }
    out.push(']');
    Ok(out)
}

fn range(cursor: &mut Cursor<'_>, class_start: usize) -> Result<String, GoRegexError> {
    let start = cursor.offset();
    let low = class_character(cursor, class_start)?;
    // A `-` before the `]` is itself.
    let ends_class = cursor.rest() == "-" || cursor.rest().starts_with("-]");
    if ends_class || !cursor.eat("-") {
        return Ok(character(low));
    }
    let high = class_character(cursor, class_start)?;
    if high < low {
        return Err(Problem::ClassRange.at(start));
    }
    let low = if SURROGATES.contains(&low) { SURROGATES.end() + 1 } else { low };
    let high = if SURROGATES.contains(&high) { SURROGATES.start() - 1 } else { high };
    if high < low { Ok(NOTHING.to_owned()) } else { Ok(format!("{}-{}", character(low), character(high))) }
}

fn class_character(cursor: &mut Cursor<'_>, class_start: usize) -> Result<u32, GoRegexError> {
    let start = cursor.offset();
    match cursor.next() {
        Some('\\') => escaped_character(cursor, start),
        Some(plain) => Ok(u32::from(plain)),
        None => Err(Problem::UnclosedClass.at(class_start)),
    }
}

/// Reads `[:name:]` or `[:^name:]`, in ASCII; a `[:` that nothing closes is two characters.
fn posix_class(cursor: &mut Cursor<'_>) -> Result<Option<&'static str>, GoRegexError> {
    let start = cursor.offset();
    let Some((name, rest)) = cursor.rest().strip_prefix("[:").and_then(|rest| rest.split_once(":]")) else {
        return Ok(None);
    };
    cursor.set_rest(rest);
    let (negated, name) = name.strip_prefix('^').map_or((false, name), |name| (true, name));
    let [class, complement] = match name {
        "alnum" => ["[0-9A-Za-z]", "[^0-9A-Za-z]"],
        "alpha" => ["[A-Za-z]", "[^A-Za-z]"],
        "ascii" => [r"[\x00-\x7F]", r"[^\x00-\x7F]"],
        "blank" => [r"[\t\x20]", r"[^\t\x20]"],
        "cntrl" => [r"[\x00-\x1F\x7F]", r"[^\x00-\x1F\x7F]"],
        "digit" => ["[0-9]", "[^0-9]"],
        "graph" => [r"[\x21-\x7E]", r"[^\x21-\x7E]"],
        "lower" => ["[a-z]", "[^a-z]"],
        "print" => [r"[\x20-\x7E]", r"[^\x20-\x7E]"],
        "punct" => [r"[\x21-\x2F\x3A-\x40\x5B-\x60\x7B-\x7E]", r"[^\x21-\x2F\x3A-\x40\x5B-\x60\x7B-\x7E]"],
        "space" => [r"[\x09-\x0D\x20]", r"[^\x09-\x0D\x20]"],
        "upper" => ["[A-Z]", "[^A-Z]"],
        "word" => ["[0-9A-Za-z_]", "[^0-9A-Za-z_]"],
        "xdigit" => ["[0-9A-Fa-f]", "[^0-9A-Fa-f]"],
        _ => return Err(Problem::PosixClass.at(start)),
    };
    Ok(Some(if negated { complement } else { class }))
}

/// Reads `\d` and its like, `\pL` or `\p{Greek}`, if one is next.
pub(super) fn escaped_class(cursor: &mut Cursor<'_>) -> Result<Option<String>, GoRegexError> {
    let start = cursor.offset();
    let mut ahead = *cursor;
    if !ahead.eat(r"\") {
        return Ok(None);
    }
    let class = match ahead.next() {
        Some('d') => "[0-9]".to_owned(),
        Some('D') => "[^0-9]".to_owned(),
        // Without `\v`, which `[:space:]` has.
        Some('s') => r"[\t\n\x0C\r\x20]".to_owned(),
        Some('S') => r"[^\t\n\x0C\r\x20]".to_owned(),
        Some('w') => "[0-9A-Za-z_]".to_owned(),
        Some('W') => "[^0-9A-Za-z_]".to_owned(),
        Some(sign @ ('p' | 'P')) => {
            unicode_class(&mut ahead, sign == 'P').ok_or(Problem::UnicodeClass.at(start))?
        }
        _ => return Ok(None),
    };
    *cursor = ahead;
    Ok(Some(class))
}

fn unicode_class(cursor: &mut Cursor<'_>, negated: bool) -> Option<String> {
    let (name, rest) = if cursor.eat("{") {
        cursor.rest().split_once('}')?
    } else {
        let letter = cursor.rest();
        cursor.next()?;
        (letter.strip_suffix(cursor.rest())?, cursor.rest())
    };
    cursor.set_rest(rest);
    let (negated, name) = name.strip_prefix('^').map_or((negated, name), |name| (!negated, name));
    let members = match name {
        // Without the unassigned characters, as up to Go 1.24.
        "C" => r"\p{Cc}\p{Cf}\p{Co}".to_owned(),
        "Cs" => NOTHING.to_owned(),
        _ => property(name)?,
    };
    Some(format!("[{}{members}]", if negated { "^" } else { "" }))
}

/// A general category or a script, looked up as newer Go does: case, spaces, `-` and `_` do not count.
fn property(name: &str) -> Option<String> {
    let is_separator = |character: char| matches!(character, '_' | '-' | ' ');
    if !name.chars().all(|character| character.is_ascii_alphanumeric() || is_separator(character)) {
        return None;
    }
    let name = name.replace(is_separator, "");
    let classes = ["gc", "sc"].map(|kind| format!(r"\p{{{kind}={name}}}"));
    // The intersection keeps what is compiled for the answer small.
    classes.into_iter().find(|class| Regex::new(&format!("[{class}&&a]")).is_ok())
}

/// Reads what follows the backslash at `start`, as the code of one character.
pub(super) fn escaped_character(cursor: &mut Cursor<'_>, start: usize) -> Result<u32, GoRegexError> {
    let next = cursor.next().ok_or(Problem::TrailingBackslash.at(start))?;
    match next {
        'a' => Ok(0x07),
        'f' => Ok(0x0C),
        'n' => Ok(0x0A),
        'r' => Ok(0x0D),
        't' => Ok(0x09),
        'v' => Ok(0x0B),
        'x' => hexadecimal(cursor).ok_or(Problem::Hexadecimal.at(start)),
        '0' => Ok(octal(cursor, 0)),
        '1'..='7' if cursor.peek().is_some_and(|digit| digit.is_digit(8)) => {
            Ok(octal(cursor, next.to_digit(8).unwrap_or_default()))
        }
        '1'..='9' => Err(Problem::BackReference.at(start)),
        'C' => Err(Problem::AnyByte.at(start)),
        'Z' => Err(Problem::EndBeforeNewline.at(start)),
        _ if next.is_ascii() && !next.is_ascii_alphanumeric() => Ok(u32::from(next)),
        _ => Err(Problem::Escape.at(start)),
    }
}

/// Up to two more octal digits after the first.
fn octal(cursor: &mut Cursor<'_>, first: u32) -> u32 {
    let mut code = first;
    for _ in 0..2 {
        let Some(digit) = cursor.peek().and_then(|next| next.to_digit(8)) else {
            break;
        };
        cursor.next();
        code = code * 8 + digit;
    }
    code
}

/// `41` or `{10FFFF}`, with any number of digits in the braces.
fn hexadecimal(cursor: &mut Cursor<'_>) -> Option<u32> {
    if !cursor.eat("{") {
        return Some(cursor.next()?.to_digit(16)? * 16 + cursor.next()?.to_digit(16)?);
    }
    let (digits, rest) = cursor.rest().split_once('}')?;
    cursor.set_rest(rest);
    let mut code = (!digits.is_empty()).then_some(0_u32)?;
    for digit in digits.chars() {
        code = Some(code * 16 + digit.to_digit(16)?).filter(|code| *code <= u32::from(char::MAX))?;
    }
    Some(code)
}
