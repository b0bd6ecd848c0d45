//! A value found in a request: what JSON, form, XML and multipart bodies are parsed into.
//!
//! Texts are bytes, because header and query values need not be UTF-8 and reach the command as
//! they came. Numbers keep the digits that were sent.

use std::borrow::Cow;
use std::collections::BTreeMap;

pub(crate) type Text<'a> = Cow<'a, [u8]>;
pub(crate) type Object<'a> = BTreeMap<Text<'a>, Value<'a>>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Null,
    /// `null` where an object was asked for (`parse-parameters-as-json`, a broken file part). As
    /// text it is `null`, not `<nil>`, and what is looked up below it is missing, not an error.
    NullObject,
    Bool(bool),
    /// The literal as sent: `1.10`, `1e5`, thirty digits.
    Number(Cow<'a, str>),
    Text(Text<'a>),
    Array(Vec<Value<'a>>),
    Object(Object<'a>),
}

impl Value<'_> {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null | Self::NullObject)
    }

    /// The same value, independent of the body it was read from.
    pub(crate) fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::NullObject => Value::NullObject,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(digits) => Value::Number(Cow::Owned(digits.into_owned())),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Array(items) => Value::Array(items.into_iter().map(Value::into_owned).collect()),
            Self::Object(fields) => Value::Object(owned_object(fields)),
        }
    }
}

pub(crate) fn owned_object(fields: Object<'_>) -> Object<'static> {
    fields.into_iter().map(|(name, value)| (Cow::Owned(name.into_owned()), value.into_owned())).collect()
}
