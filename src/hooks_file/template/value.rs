//! What an expression of a template can be.

use std::rc::Rc;

use super::float;
use super::problem::Problem;

#[derive(Debug, Clone)]
pub(super) enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Shared, so that variables and arguments cost nothing.
    Text(Rc<[u8]>),
}

impl Value {
    /// Go's name of the type.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
        }
    }

    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Text(text) => !text.is_empty(),
        }
    }

    /// The bytes that stand for it as an argument of `print`.
    pub(super) fn text(&self) -> Rc<[u8]> {
        match self {
            Self::Nil => Rc::from(*b"<nil>"),
            Self::Bool(value) => value.to_string().into_bytes().into(),
            Self::Int(value) => value.to_string().into_bytes().into(),
            Self::Float(value) => float::general(*value, None).into_bytes().into(),
            Self::Text(text) => Rc::clone(text),
        }
    }

    /// What an action writes, and what is escaped: nil has another text there.
    pub(super) fn or_no_value(self) -> Self {
        match self {
            Self::Nil => Self::Text(Rc::from(*b"<no value>")),
            other => other,
        }
    }

    /// Nil equals nil only; any other two kinds cannot be compared.
    pub(super) fn equals(&self, other: &Self) -> Result<bool, Problem> {
        match (self, other) {
            (Self::Nil, Self::Nil) => Ok(true),
            (Self::Nil, _) | (_, Self::Nil) => Ok(false),
            (Self::Bool(left), Self::Bool(right)) => Ok(left == right),
            (Self::Int(left), Self::Int(right)) => Ok(left == right),
            (Self::Float(left), Self::Float(right)) => Ok(left == right),
            (Self::Text(left), Self::Text(right)) => Ok(left == right),
            _ => Err(self.incomparable(other)),
        }
    }

    pub(super) fn is_less_than(&self, other: &Self) -> Result<bool, Problem> {
        match (self, other) {
            (Self::Int(left), Self::Int(right)) => Ok(left < right),
            (Self::Float(left), Self::Float(right)) => Ok(left < right),
            (Self::Text(left), Self::Text(right)) => Ok(left < right),
            _ => Err(self.incomparable(other)),
        }
    }

    fn incomparable(&self, other: &Self) -> Problem {
        Problem::Incomparable { left: self.kind(), right: other.kind() }
    }
}

/// The number that a literal says: an integer in any base of Go, or a decimal float.
pub(super) fn number(text: &str) -> Result<Value, Problem> {
    let bad = || Problem::BadNumber { text: text.into() };
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (true, unsigned),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = unsigned.to_ascii_lowercase();
    let hexadecimal = lower.starts_with("0x");
    if lower.ends_with('i') || (hexadecimal && lower.contains(['p', '.'])) {
        return Err(Problem::UnsupportedNumber { text: text.into() });
    }
    if !hexadecimal && lower.contains(['.', 'e']) {
        let value = decimal(&lower).ok_or_else(bad)?;
        return match value.is_finite() {
            true => Ok(Value::Float(if negative { -value } else { value })),
            false => Err(Problem::NumberTooLarge { text: text.into() }),
        };
    }
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, lower.get(2..)),
        Some("0o") => (8, lower.get(2..)),
        Some("0b") => (2, lower.get(2..)),
        Some(start) if start.starts_with('0') => (8, lower.get(1..)),
        _ => (10, Some(lower.as_str())),
    };
    let digits = digits.filter(|digits| well_separated(digits, radix)).ok_or_else(bad)?.replace('_', "");
    let value = i128::from_str_radix(&digits, radix).map_err(|_| bad_or_large(text, &digits, radix))?;
    let value = i64::try_from(if negative { -value } else { value });
    value.map(Value::Int).map_err(|_| Problem::NumberTooLarge { text: text.into() })
}

fn decimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let well_formed = [whole, fraction, exponent_digits].into_iter().all(|digits| {
        digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') && well_separated(digits, 10)
    });
    // The standard library takes what is left to check: that there are digits at all.
    text.replace('_', "").parse().ok().filter(|_| well_formed)
}

/// An underscore stands between digits, or after the prefix of a base.
fn well_separated(digits: &str, radix: u32) -> bool {
    let misplaced =
        digits.ends_with('_') || digits.contains("__") || (radix == 10 && digits.starts_with('_'));
    !misplaced
}

fn bad_or_large(text: &str, digits: &str, radix: u32) -> Problem {
    let text = text.into();
    match !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix)) {
        true => Problem::NumberTooLarge { text },
        false => Problem::BadNumber { text },
    }
}
