//! What one text of a request is compared with.

use std::borrow::Cow;

use subtle::ConstantTimeEq;

use super::number::Number;
use super::{Fault, GoRegex, HmacKey};
use crate::facts::Facts;
use crate::log_text::clipped;
use crate::reference::{Reference, Subject};
use crate::secrecy::{literals, looks_random};

/// The texts that a `*` leads to, times the bytes that each is compared with, where both come with the request:
/// some ten milliseconds. A sender could make a body that takes minutes.
const COMPARED_BYTES_MAX: usize = 10_000_000;

pub(crate) enum Comparison {
    Value(Operand),
    Regex(GoRegex),
    /// The text signs the body with one of these.
    Hmac(Vec<HmacKey>),
    Number(Order, Operand),
    /// The other text stands in it.
    Part(Place, Operand),
    /// It is one of these.
    In(Choices),
}

/// The other side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operand {
    /// Of the hooks file.
    Text(String),
    /// Of the request.
    Parameter(Reference),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choices {
    Texts(Vec<String>),
    /// The items of the list there.
    Parameter(Reference),
}

/// How the parameter must be to the other number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Greater,
    Less,
    AtLeast,
    AtMost,
}

/// Where in the parameter the other text must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Anywhere,
    Start,
    End,
}

/// Whether a comparison holds, or else why not, in words that show no value.
pub(super) type Holds = Result<(), &'static str>;

/// A comparison whose other side has been looked up.
pub(super) enum Prepared<'c> {
    Value(Cow<'c, [u8]>),
    Regex(&'c GoRegex),
    Hmac { keys: &'c [HmacKey], body: &'c [u8] },
    Number { order: Order, parameter: &'c Reference, operand: &'c Operand, other: Cow<'c, [u8]> },
    Part(Place, Cow<'c, [u8]>),
    InTexts(&'c [String]),
    InItems(Vec<Cow<'c, [u8]>>),
}

impl Comparison {
    /// Its `type` in a hooks file.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Value(_) => "value",
            Self::Regex(_) => "regex",
            Self::Hmac(keys) => match keys.first() {
                Some(HmacKey::Sha1(_)) => "payload-hmac-sha1",
                Some(HmacKey::Sha512(_)) => "payload-hmac-sha512",
                Some(HmacKey::Sha256(_)) | None => "payload-hmac-sha256",
            },
            Self::Number(Order::Greater, _) => "greater",
            Self::Number(Order::Less, _) => "less",
            Self::Number(Order::AtLeast, _) => "at-least",
            Self::Number(Order::AtMost, _) => "at-most",
            Self::Part(Place::Anywhere, _) => "contains",
            Self::Part(Place::Start, _) => "starts-with",
            Self::Part(Place::End, _) => "ends-with",
            Self::In(_) => "in",
        }
    }

    /// The texts of which it asks for one, letter by letter; none for a signature and what is no text.
    pub(crate) fn spelled_out(&self) -> Vec<Cow<'_, str>> {
        match self {
            Self::Value(Operand::Text(text)) | Self::Part(_, Operand::Text(text)) => vec![text.into()],
            Self::Regex(regex) => vec![literals(regex.pattern()).into()],
            Self::In(Choices::Texts(texts)) => texts.iter().map(Into::into).collect(),
            Self::Value(_) | Self::Hmac(_) | Self::Number(..) | Self::Part(..) | Self::In(_) => Vec::new(),
        }
    }

    /// The part of the request on its other side, if it is one.
    pub(crate) fn other_parameter(&self) -> Option<&Reference> {
        match self {
            Self::Value(Operand::Parameter(other))
            | Self::Number(_, Operand::Parameter(other))
            | Self::Part(_, Operand::Parameter(other))
            | Self::In(Choices::Parameter(other)) => Some(other),
            Self::Value(_)
            | Self::Regex(_)
            | Self::Hmac(_)
            | Self::Number(..)
            | Self::Part(..)
            | Self::In(_) => None,
        }
    }

    /// For `count` texts, which were found at `parameter`. The other side is looked up once for all of them.
    pub(super) fn prepared<'c>(
        &'c self,
        parameter: &'c Reference,
        count: usize,
        facts: &'c Facts<'_>,
    ) -> Result<Prepared<'c>, Fault> {
        let other_text = |operand: &'c Operand| -> Result<Cow<'c, [u8]>, Fault> {
            let other = operand.text(facts)?;
            if let Operand::Parameter(_) = operand {
                bound(parameter, count, other.len() + 1)?;
            }
            Ok(other)
        };
        Ok(match self {
            Self::Value(operand) => Prepared::Value(other_text(operand)?),
            Self::Regex(regex) => Prepared::Regex(regex),
            Self::Hmac(keys) => Prepared::Hmac { keys, body: &facts.request.body },
            Self::Number(order, operand) => {
                Prepared::Number { order: *order, parameter, operand, other: other_text(operand)? }
            }
            Self::Part(place, operand) => Prepared::Part(*place, other_text(operand)?),
            Self::In(Choices::Texts(texts)) => Prepared::InTexts(texts),
            Self::In(Choices::Parameter(other)) => {
                let choices = facts.items_of(other)?;
                bound(parameter, count, choices.iter().map(|choice| choice.len() + 1).sum())?;
                Prepared::InItems(choices)
            }
        })
    }

    /// Whether it holds for `text`, whatever else is in the request.
    pub(crate) fn holds_for(&self, text: &[u8]) -> bool {
        match self {
            Self::Value(Operand::Text(value)) => equals(text, value.as_bytes()).is_ok(),
            Self::Regex(regex) => regex.is_match(text),
            Self::Number(order, Operand::Text(other)) => order.of(text, other.as_bytes()) == Some(Ok(())),
            Self::Part(place, Operand::Text(other)) => place.of(text, other.as_bytes()).is_ok(),
            Self::In(Choices::Texts(texts)) => is_in(text, texts).is_ok(),
            Self::Value(_) | Self::Hmac(_) | Self::Number(..) | Self::Part(..) | Self::In(_) => false,
        }
    }
}

impl Prepared<'_> {
    /// Compares one text with the other side.
    pub(super) fn compare(&self, text: &[u8]) -> Result<Holds, Fault> {
        match self {
            Self::Value(other) => Ok(equals(text, other)),
            Self::Regex(regex) => Ok(regex.is_match(text).then_some(()).ok_or("no match")),
            Self::Hmac { keys, body } => {
                let is_signed = keys.iter().any(|key| key.signs(&[body], text));
                is_signed.then_some(Ok(())).ok_or(Fault::Signature)
            }
            Self::Number { order, parameter, operand, other } => {
                let compared = order.of(text, other);
                compared.ok_or_else(|| Fault::Other(no_numbers(parameter, text, operand, other)))
            }
            Self::Part(place, other) => Ok(place.of(text, other)),
            Self::InTexts(texts) => Ok(is_in(text, texts)),
            Self::InItems(choices) => Ok(is_in(text, choices)),
        }
    }
}

impl Operand {
    fn text<'o>(&'o self, facts: &'o Facts<'_>) -> Result<Cow<'o, [u8]>, Fault> {
        match self {
            Self::Text(text) => Ok(Cow::Borrowed(text.as_bytes())),
            Self::Parameter(reference) => Ok(facts.text_of(reference)?),
        }
    }
}

impl Order {
    /// `None` when one of the two is no number.
    fn of(self, text: &[u8], other: &[u8]) -> Option<Holds> {
        let ordering = Number::parse(text)?.compare(&Number::parse(other)?);
        let (holds, reason) = match self {
            Self::Greater => (ordering.is_gt(), "not greater"),
            Self::Less => (ordering.is_lt(), "not less"),
            Self::AtLeast => (ordering.is_ge(), "less"),
            Self::AtMost => (ordering.is_le(), "greater"),
        };
        Some(holds.then_some(()).ok_or(reason))
    }
}

impl Place {
    /// An empty text is part of none: a sender could leave the other one empty.
    fn of(self, text: &[u8], other: &[u8]) -> Holds {
        let (holds, reason) = match self {
            _ if other.is_empty() => (false, "the other text is empty"),
            Self::Anywhere => (memchr::memmem::find(text, other).is_some(), "not in it"),
            Self::Start => (text.starts_with(other), "begins otherwise"),
            Self::End => (text.ends_with(other), "ends otherwise"),
        };
        holds.then_some(()).ok_or(reason)
    }
}

/// `other_bytes` are of the request, like the number of texts that each is compared with.
fn bound(parameter: &Reference, count: usize, other_bytes: usize) -> Result<(), Fault> {
    match count {
        0 | 1 => Ok(()),
        _ if count.saturating_mul(other_bytes) <= COMPARED_BYTES_MAX => Ok(()),
        _ => Err(Fault::Other(format!(
            "{parameter} are {count} texts: comparing each with {other_bytes} bytes of the request takes too long"
        ))),
    }
}

/// In constant time: it may be a token.
fn equals(text: &[u8], other: &[u8]) -> Holds {
    let equal: bool = text.ct_eq(other).into();
    equal.then_some(()).ok_or("not equal")
}

/// All are looked at, whichever it is.
fn is_in(text: &[u8], texts: &[impl AsRef<[u8]>]) -> Holds {
    let is_one = texts.iter().fold(false, |is_one, other| is_one | equals(text, other.as_ref()).is_ok());
    is_one.then_some(()).ok_or("none of these")
}

/// Names both sides, with what they are unless that may be a secret.
fn no_numbers(parameter: &Reference, text: &[u8], operand: &Operand, other: &[u8]) -> String {
    let shown = |reference: &Reference, text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        let may_be_secret = match &reference.subject {
            Subject::Literal(_) | Subject::EntireHeaders => true,
            subject => subject.has_secret_name(),
        };
        match may_be_secret || looks_random(&text) {
            true => reference.to_string(),
            false => format!("{reference} {:?}", clipped(&text)),
        }
    };
    let other = match operand {
        Operand::Text(text) => format!("{text:?}"),
        Operand::Parameter(reference) => shown(reference, other),
    };
    format!("{} and {other} must both be numbers", shown(parameter, text))
}
