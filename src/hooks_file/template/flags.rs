//! Formats one value for Go's `printf`.

use super::escape::{characters, is_printable, is_raw, quote};
use super::float;
use super::problem::Problem;
use super::value::Value;

/// What stands between `%` and the verb.
#[derive(Default)]
pub(super) struct Flags {
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%#v`
    pub(super) go_syntax: bool,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
}

/// `type=value`, or `<nil>`.
pub(super) fn typed(value: &Value, shown: Vec<u8>) -> Vec<u8> {
    match value {
        Value::Nil => shown,
        _ => [value.kind().as_bytes(), b"=", &shown].concat(),
    }
}

impl Flags {
    /// `value` as `verb` says.
    pub(super) fn formatted(&self, value: &Value, verb: char) -> Result<Vec<u8>, Problem> {
        let formatted = match (value, verb) {
            (Value::Nil, 'v' | 'T') => Some(self.padded(b"<nil>")),
            (_, 'T') => Some(self.padded(self.truncated(value.kind().as_bytes()))),
            (Value::Bool(value), 'v' | 't') => Some(self.padded(value.to_string().as_bytes())),
            (Value::Int(value), _) => self.integer(*value, verb),
            (Value::Float(value), _) => self.float(*value, verb)?,
            (Value::Text(text), _) => self.text(text, verb),
            _ => None,
        };
        match (formatted, value) {
            (Some(formatted), _) => Ok(formatted),
            (None, Value::Nil) => Ok(format!("%!{verb}(<nil>)").into_bytes()),
            (None, _) => {
                let shown = typed(value, self.formatted(value, 'v')?);
                Ok([format!("%!{verb}(").as_bytes(), &shown, b")"].concat())
            }
        }
    }

    fn text(&self, text: &[u8], verb: char) -> Option<Vec<u8>> {
        let truncated = self.truncated(text);
        match verb {
            'v' if self.go_syntax => Some(self.padded(quote(truncated, '"', false).as_bytes())),
            'v' | 's' => Some(self.padded(truncated)),
            'q' if self.sharp && is_raw(truncated) => Some(self.padded(&[b"`", truncated, b"`"].concat())),
            'q' => Some(self.padded(quote(truncated, '"', self.plus).as_bytes())),
            'x' | 'X' => Some(self.padded(self.hexadecimal(text, verb).as_bytes())),
            _ => None,
        }
    }

    /// The bytes of a text, as many as the precision says.
    fn hexadecimal(&self, text: &[u8], verb: char) -> String {
        let prefix = if self.sharp { format!("0{verb}") } else { String::new() };
        let bytes = text.iter().take(self.precision.unwrap_or(usize::MAX)).map(|byte| match verb {
            'x' => format!("{byte:02x}"),
            _ => format!("{byte:02X}"),
        });
        match self.space {
            true => bytes.map(|byte| format!("{prefix}{byte}")).collect::<Vec<_>>().join(" "),
            false => {
                let all: String = bytes.collect();
                if all.is_empty() { all } else { prefix + &all }
            }
        }
    }

    fn integer(&self, value: i64, verb: char) -> Option<Vec<u8>> {
        let character =
            u32::try_from(value).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
        let magnitude = value.unsigned_abs();
        let (digits, prefix) = match verb {
            'v' | 'd' => (magnitude.to_string(), ""),
            'b' => (format!("{magnitude:b}"), "0b"),
            'o' | 'O' => (format!("{magnitude:o}"), "0"),
            'x' => (format!("{magnitude:x}"), "0x"),
            'X' => (format!("{magnitude:X}"), "0X"),
            'c' => return Some(self.padded(character.to_string().as_bytes())),
            'q' => {
                return Some(
                    self.padded(quote(character.to_string().as_bytes(), '\'', self.plus).as_bytes()),
                );
            }
            'U' => {
                // A negative number shows as the unsigned one with the same bits.
                let digits = format!("{value:X}");
                let mut text =
                    "U+".to_owned() + &zeros(&digits, self.precision.unwrap_or(0).max(4)) + &digits;
                if self.sharp && u32::try_from(value).is_ok() && is_printable(character) {
                    text.push_str(&format!(" '{character}'"));
                }
                return Some(self.spaced(text.as_bytes()));
            }
            _ => return None,
        };
        if self.precision == Some(0) && value == 0 {
            return Some(self.spaced(b""));
        }
        let sign = self.sign(value < 0);
        let length = match (self.precision, self.width) {
            (Some(precision), _) => precision,
            (None, Some(width)) if self.zero => width - sign.len().min(width),
            _ => 0,
        };
        let digits = zeros(&digits, length) + &digits;
        let prefix = match verb {
            'o' if digits.starts_with('0') => "",
            'O' if !self.sharp || digits.starts_with('0') => "0o",
            'O' => "0o0",
            _ if self.sharp => prefix,
            _ => "",
        };
        Some(self.spaced(format!("{sign}{prefix}{digits}").as_bytes()))
    }

    fn float(&self, value: f64, verb: char) -> Result<Option<Vec<u8>>, Problem> {
        let magnitude = value.abs();
        let text = match verb {
            'v' | 'g' => float::general(magnitude, self.precision),
            'G' => float::general(magnitude, self.precision).to_uppercase(),
            'e' => float::exponential(magnitude, self.precision.unwrap_or(6)),
            'E' => float::exponential(magnitude, self.precision.unwrap_or(6)).to_uppercase(),
            'f' | 'F' => float::fixed(magnitude, self.precision.unwrap_or(6)),
            'b' | 'x' | 'X' => return Err(Problem::UnsupportedFormat { verb }),
            _ => return Ok(None),
        };
        if self.sharp {
            return Err(Problem::UnsupportedFormat { verb });
        }
        let sign = self.sign(value.is_sign_negative());
        Ok(Some(match self.width {
            Some(width) if self.zero => {
                [sign, &zeros(&text, width - sign.len().min(width)), &text].concat().into_bytes()
            }
            _ => self.padded(format!("{sign}{text}").as_bytes()),
        }))
    }

    fn sign(&self, negative: bool) -> &'static str {
        match (negative, self.plus, self.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        }
    }

    fn truncated<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Some(precision) = self.precision else {
            return text;
        };
        let length = |character: Result<char, u8>| character.map_or(1, char::len_utf8);
        text.get(..characters(text).take(precision).map(length).sum()).unwrap_or(text)
    }

    fn padded(&self, text: &[u8]) -> Vec<u8> {
        self.filled(text, if self.zero { b'0' } else { b' ' })
    }

    fn spaced(&self, text: &[u8]) -> Vec<u8> {
        self.filled(text, b' ')
    }

    fn filled(&self, text: &[u8], fill: u8) -> Vec<u8> {
        let missing = self.width.map_or(0, |width| width.saturating_sub(characters(text).count()));
        let padding = vec![fill; missing];
        if self.minus { [text, &padding].concat() } else { [&padding, text].concat() }
    }
}

/// The zeros that `digits` lacks to be `length` long. (The standard library's own width has a
/// maximum, beyond which it panics.)
fn zeros(digits: &str, length: usize) -> String {
    "0".repeat(length.saturating_sub(digits.len()))
}
