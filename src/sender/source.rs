//! Where a record says that something is: a header, a query parameter, in the body's JSON or form.

use std::fmt;

use hyper::header::{AUTHORIZATION, HeaderName};

use crate::value::Value;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Header(HeaderField),
    Query(String),
    Json(Pointer),
    /// With a pointer, the field's text is JSON in turn.
    Form {
        field: String,
        pointer: Option<Pointer>,
    },
}

/// A header's name for the lookup, and as the sender spells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeaderField {
    pub(crate) name: HeaderName,
    pub(crate) text: String,
}

/// A JSON pointer (RFC 6901).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pointer {
    pub(crate) keys: Vec<String>,
    text: String,
}

impl Source {
    pub(crate) const ALLOWED: &'static str = "`header:NAME`, `query:NAME`, `json:/POINTER`, `form:NAME`, \
         `form:NAME#/POINTER`";

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once(':')?;
        match kind {
            "header" => HeaderField::parse(name).map(Self::Header),
            "query" => (!name.is_empty()).then(|| Self::Query(name.to_owned())),
            "json" => Pointer::parse(name).map(Self::Json),
            "form" => {
                let (field, pointer) = match name.split_once('#') {
                    Some((field, pointer)) => (field, Some(Pointer::parse(pointer)?)),
                    None => (name, None),
                };
                (!field.is_empty()).then(|| Self::Form { field: field.to_owned(), pointer })
            }
            _ => None,
        }
    }

    pub(crate) fn is_in_body(&self) -> bool {
        matches!(self, Self::Json(_) | Self::Form { .. })
    }

    /// For a log line: "header `X-Signature`".
    pub(crate) fn described(&self) -> String {
        match self {
            Self::Header(field) => field.described(),
            Self::Query(name) => format!("query parameter `{name}`"),
            Self::Json(pointer) => format!("JSON value `{pointer}`"),
            Self::Form { field, pointer: None } => format!("form field `{field}`"),
            Self::Form { field, pointer: Some(pointer) } => {
                format!("JSON value `{pointer}` of form field `{field}`")
            }
        }
    }
}

/// As the record writes it.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(field) => write!(f, "header:{}", field.text),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::Json(pointer) => write!(f, "json:{pointer}"),
            Self::Form { field, pointer: None } => write!(f, "form:{field}"),
            Self::Form { field, pointer: Some(pointer) } => write!(f, "form:{field}#{pointer}"),
        }
    }
}

impl HeaderField {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let name = HeaderName::from_bytes(text.as_bytes()).ok()?;
        Some(Self { name, text: text.to_owned() })
    }

    /// Where HTTP's own authentication is.
    pub(crate) fn authorization() -> Self {
        Self { name: AUTHORIZATION, text: "Authorization".to_owned() }
    }

    pub(crate) fn described(&self) -> String {
        format!("header `{}`", self.text)
    }
}

impl Pointer {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut keys = text.split('/');
        // Also excludes the empty pointer: the whole body is no signature, id or event.
        if !keys.next()?.is_empty() {
            return None;
        }
        let keys: Vec<String> = keys.map(unescaped).collect::<Option<_>>()?;
        (!keys.is_empty()).then(|| Self { keys, text: text.to_owned() })
    }

    pub(crate) fn find<'v, 'a>(&self, value: &'v Value<'a>) -> Option<&'v Value<'a>> {
        self.keys.iter().try_fold(value, |value, key| match value {
            Value::Object(members) => members.get(key.as_bytes()),
            Value::Array(items) => items.get(index(key)?),
            _ => None,
        })
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `~1` is a slash and `~0` a tilde; a tilde before anything else is an error.
fn unescaped(key: &str) -> Option<String> {
    let mut out = String::with_capacity(key.len());
    let mut chars = key.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '~' => match chars.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            c => c,
        });
    }
    Some(out)
}

fn index(key: &str) -> Option<usize> {
    let leading_zero = key.len() > 1 && key.starts_with('0');
    (!leading_zero && key.bytes().all(|byte| byte.is_ascii_digit())).then(|| key.parse().ok())?
}
