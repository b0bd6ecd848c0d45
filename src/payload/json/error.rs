//! Why a text is not JSON, and where. No more than one byte of the text is ever quoted: it may be secret.

use std::fmt;

use super::super::VALUES_MAX;
use super::NESTING_MAX;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault} at byte {offset} (line {line}, column {column})")]
pub(crate) struct JsonError {
    fault: Fault,
    offset: usize,
    line: usize,
    /// In characters, from one.
    column: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("the text is empty")]
    Empty,
    #[error("the text ends within a value")]
    Unfinished,
    #[error("{} instead of {expected}", Shown(*.found))]
    Unexpected { found: u8, expected: Expected },
    #[error("{} within a string", Shown(*.found))]
    ControlCharacter { found: u8 },
    #[error("{} after a backslash", Shown(*.found))]
    UnknownEscape { found: u8 },
    #[error("more than {NESTING_MAX} arrays and objects within each other")]
    TooDeep,
    #[error("more than {VALUES_MAX} values that the hook refers to")]
    TooManyValues,
    #[error("neither an object nor an array")]
    Scalar,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Value,
    Key,
    Colon,
    CommaOrBrace,
    CommaOrBracket,
    Digit,
    HexDigit,
    Literal,
}

impl JsonError {
    /// The place is worked out here, for errors only, so that the reader need not count lines.
    pub(super) fn new(fault: Fault, text: &[u8], offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let this_line = before.get(line_start..).unwrap_or_default();
        Self {
            fault,
            offset,
            line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
            column: this_line.iter().filter(|byte| **byte & 0xc0 != 0x80).count() + 1,
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Value => "a value",
            Self::Key => "a key in quotes",
            Self::Colon => "`:`",
            Self::CommaOrBrace => "`,` or `}`",
            Self::CommaOrBracket => "`,` or `]`",
            Self::Digit => "a digit",
            Self::HexDigit => "a hexadecimal digit",
            Self::Literal => "the rest of `true`, `false` or `null`",
        })
    }
}

/// A byte of the body in a message that ends on a terminal.
struct Shown(u8);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            printable @ b' '..=b'~' => write!(f, "`{}`", char::from(printable)),
            other => write!(f, "byte 0x{other:02x}"),
        }
    }
}
