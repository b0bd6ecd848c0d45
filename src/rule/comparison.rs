//! What one text of a request is compared with.

use std::borrow::Cow;

use subtle::ConstantTimeEq;

use super::{Fault, GoRegex, HmacKey};
use crate::secrecy::literals;

pub(crate) enum Comparison {
    Value(String),
    Regex(GoRegex),
    /// The text signs the body with one of these.
    Hmac(Vec<HmacKey>),
}

/// Whether a comparison holds, or else why not, in words that show no value.
pub(super) type Holds = Result<(), &'static str>;

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
        }
    }

    /// What it asks for letter by letter; empty for a signature.
    pub(crate) fn spelled_out(&self) -> Cow<'_, str> {
        match self {
            Self::Value(value) => value.into(),
            Self::Regex(regex) => literals(regex.pattern()).into(),
            Self::Hmac(_) => "".into(),
        }
    }

    /// Whether it holds for this text whatever the request's body is.
    pub(crate) fn holds_for(&self, text: &[u8]) -> bool {
        !matches!(self, Self::Hmac(_)) && matches!(self.of(text, &[]), Ok(Ok(())))
    }

    pub(super) fn of(&self, text: &[u8], body: &[u8]) -> Result<Holds, Fault> {
        match self {
            // In constant time: it may be a token.
            Self::Value(value) => {
                let equal: bool = text.ct_eq(value.as_bytes()).into();
                Ok(equal.then_some(()).ok_or("not equal"))
            }
            Self::Regex(regex) => Ok(regex.is_match(text).then_some(()).ok_or("no match")),
            Self::Hmac(keys) => match keys.iter().any(|key| key.signs(&[body], text)) {
                true => Ok(Ok(())),
                false => Err(Fault::Signature),
            },
        }
    }
}
