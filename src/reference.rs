//! A reference says where a value is found in a request: `{source, name}` of the hooks file.

use std::fmt;
use std::sync::Arc;

use crate::secrecy::is_secret_name;
use crate::template::{Name, Template};

/// The part of a name that stands for every element of an array.
pub(crate) const EACH: &str = "*";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) subject: Subject,
    pub(crate) if_missing: IfMissing,
}

/// What follows when a request does not have the value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum IfMissing {
    /// Whoever asks gets none, and deals with it.
    #[default]
    None,
    /// This text is the value.
    Default(Box<str>),
    /// The request is refused.
    Refuse,
}

/// What a reference names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The first value of a header; the name in canonical form (`X-Github-Event`).
    Header(String),
    /// The first value of a query key.
    Query(String),
    /// A place in the payload, dotted.
    Payload(String),
    /// The name itself.
    Literal(String),
    Method,
    RemoteAddress,
    RawBody,
    EntirePayload,
    EntireQuery,
    EntireHeaders,
    /// What the sender calls the delivery, whatever its name for it.
    DeliveryId,
    DeliveryEvent,
    DeliverySender,
    /// What a name in the hook's id stands for.
    Path(String),
    /// The bytes of a part of a multipart body.
    Upload(String),
    /// A text put together of others.
    Template(Arc<Template>),
    /// Written so that it can never give a value: an unknown source, or an unknown name of `request`.
    Unusable {
        source: String,
        name: String,
    },
}

impl Subject {
    /// Whether it is named as what holds secrets or signatures.
    pub(crate) fn has_secret_name(&self) -> bool {
        match self {
            Self::Header(name) | Self::Query(name) | Self::Payload(name) | Self::Path(name) => {
                is_secret_name(name)
            }
            Self::Template(template) => is_secret_name(template.source()),
            _ => false,
        }
    }

    pub(crate) fn is_of_delivery(&self) -> bool {
        match self {
            Self::DeliveryId | Self::DeliveryEvent | Self::DeliverySender => true,
            Self::Template(template) => template.has(Name::Delivery),
            _ => false,
        }
    }

    pub(crate) fn is_of_payload(&self) -> bool {
        match self {
            Self::Payload(_) | Self::EntirePayload => true,
            Self::Template(template) => template.has(Name::Payload),
            _ => false,
        }
    }

    /// Whether a `*` in its name may stand for the elements of an array.
    pub(crate) fn may_be_each(&self) -> bool {
        match self {
            Self::Header(name) | Self::Query(name) | Self::Payload(name) => {
                name.split('.').any(|part| part == EACH)
            }
            _ => false,
        }
    }

    /// Whether some requests may be without it.
    pub(crate) fn may_be_missing(&self) -> bool {
        match self {
            Self::Header(_)
            | Self::Query(_)
            | Self::Payload(_)
            | Self::DeliveryId
            | Self::DeliveryEvent
            | Self::Upload(_)
            | Self::Template(_)
            | Self::Unusable { .. } => true,
            Self::Literal(_)
            | Self::Path(_)
            | Self::Method
            | Self::RemoteAddress
            | Self::RawBody
            | Self::EntirePayload
            | Self::EntireQuery
            | Self::EntireHeaders
            | Self::DeliverySender => false,
        }
    }
}

impl Reference {
    /// The names that `source` may have in a hooks file.
    pub(crate) const SOURCES: [&'static str; 14] = [
        "header",
        "url",
        "query",
        "payload",
        "string",
        "request",
        "raw-request-body",
        "entire-payload",
        "entire-query",
        "entire-headers",
        "delivery",
        "template",
        "path",
        "upload",
    ];
    /// The names that a reference to `request` may have.
    pub(crate) const REQUEST_NAMES: [&'static str; 2] = ["method", "remote-addr"];
    /// The names that a reference to `delivery` may have.
    pub(crate) const DELIVERY_NAMES: [&'static str; 3] = ["id", "event", "sender"];

    /// One whose missing value is left to whoever asks.
    pub(crate) fn new(source: &str, name: &str) -> Self {
        Self { subject: Subject::new(source, name), if_missing: IfMissing::None }
    }
}

impl Subject {
    fn new(source: &str, name: &str) -> Self {
        match source {
            "header" => Self::Header(canonical_header_name(name)),
            "url" | "query" => Self::Query(name.to_owned()),
            "payload" => Self::Payload(name.to_owned()),
            "string" => Self::Literal(name.to_owned()),
            "request" if name.eq_ignore_ascii_case("method") => Self::Method,
            "request" if name.eq_ignore_ascii_case("remote-addr") => Self::RemoteAddress,
            "delivery" if name.eq_ignore_ascii_case("id") => Self::DeliveryId,
            "delivery" if name.eq_ignore_ascii_case("event") => Self::DeliveryEvent,
            "delivery" if name.eq_ignore_ascii_case("sender") => Self::DeliverySender,
            "path" => Self::Path(name.to_owned()),
            "upload" => Self::Upload(name.to_owned()),
            "raw-request-body" => Self::RawBody,
            "entire-payload" => Self::EntirePayload,
            "entire-query" => Self::EntireQuery,
            "entire-headers" => Self::EntireHeaders,
            _ => Self::Unusable { source: source.to_owned(), name: name.to_owned() },
        }
    }
}

/// As its subject, so without a default.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.subject.fmt(f)
    }
}

/// As a rule's trace and the log name it: `payload ref`. Literals and templates are not shown: they may be
/// secrets.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header {name}"),
            Self::Query(name) => write!(f, "query {name}"),
            Self::Payload(name) => write!(f, "payload {name}"),
            Self::Literal(_) => f.write_str("string"),
            Self::Method => f.write_str("request method"),
            Self::RemoteAddress => f.write_str("request remote-addr"),
            Self::RawBody => f.write_str("raw-request-body"),
            Self::EntirePayload => f.write_str("entire-payload"),
            Self::EntireQuery => f.write_str("entire-query"),
            Self::EntireHeaders => f.write_str("entire-headers"),
            Self::DeliveryId => f.write_str("delivery id"),
            Self::DeliveryEvent => f.write_str("delivery event"),
            Self::DeliverySender => f.write_str("delivery sender"),
            Self::Path(name) => write!(f, "path {name}"),
            Self::Upload(name) => write!(f, "upload {name}"),
            Self::Template(_) => f.write_str("template"),
            Self::Unusable { source, name } => write!(f, "{source} {name}"),
        }
    }
}

/// The form in which Go's `net/textproto` keys headers: `x-github-event` becomes `X-Github-Event`. A
/// name with a byte that no header name can have stays as it is.
pub(crate) fn canonical_header_name(name: &str) -> String {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !name.bytes().all(is_token) {
        return name.to_owned();
    }
    let mut starts_word = true;
    name.chars()
        .map(|character| {
            let cased =
                if starts_word { character.to_ascii_uppercase() } else { character.to_ascii_lowercase() };
            starts_word = character == '-';
            cased
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_names_take_the_canonical_form() {
        #[track_caller]
        fn check(name: &str, canonical: &str) {
            assert_eq!(canonical_header_name(name), canonical);
        }
        check("x-github-event", "X-Github-Event");
        check("X-GITHUB-EVENT", "X-Github-Event");
        check("x_one", "X_one");
        check("etag", "Etag");
        check("X-J.Key", "X-J.key");
        check("x y", "x y");
        check("ünï", "ünï");
        check("", "");
        check("-a-", "-A-");
    }
}
