//! Everything known about one request that a rule or an argument may refer to.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;

use crate::json_text;
use crate::lookup::{Found, lookup, lookup_mut};
use crate::payload::{Payload, json, query};
use crate::reference::{IfMissing, Reference, Subject, canonical_header_name};
use crate::request::Request;
use crate::sender::Labels;
use crate::value::{Object, Text, Value};

/// Why a reference has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoValue {
    /// The ordinary case: false in a rule, an empty argument.
    #[error("parameter node not found: {0}")]
    NotFound(String),
    /// The path walks into a JSON null.
    #[error("`{0}` leads into a null")]
    IntoNull(String),
    #[error("`{0}` names no part of a request")]
    Unusable(String),
    /// Missing for one of the other reasons, and the reference says that no request may be without it.
    #[error("{0}, and it is required")]
    Required(Box<NoValue>),
}

impl NoValue {
    /// What `reference` has in place of its value.
    #[cold]
    fn or_instead(self, reference: &Reference) -> Result<Text<'_>, Self> {
        match &reference.if_missing {
            IfMissing::None => Err(self),
            IfMissing::Default(text) => Ok(Cow::Borrowed(text.as_bytes())),
            IfMissing::Refuse => Err(Self::Required(Box::new(self))),
        }
    }
}

/// Why a value of `parse-parameters-as-json` stayed as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotParsed {
    #[error("{0}")]
    NoValue(#[from] NoValue),
    #[error("`{0}` does not hold a JSON object")]
    NotAnObject(String),
    #[error("`{0}` cannot be replaced by what it holds: only header, query and payload values can")]
    NotReplaceable(String),
}

pub(crate) struct Facts<'a> {
    pub(crate) request: &'a Request,
    pub(crate) payload: Payload<'a>,
    /// What a verified sender calls the delivery.
    pub(crate) origin: Origin<'a>,
    /// Header values that were replaced by the JSON object they hold, by canonical name.
    parsed_headers: Object<'static>,
    query: Object<'a>,
}

/// What is known of a delivery once its sender is.
#[derive(Debug, Default)]
pub(crate) struct Origin<'a> {
    pub(crate) sender: Option<&'a str>,
    pub(crate) labels: Labels,
}

impl<'a> Facts<'a> {
    pub(crate) fn new(request: &'a Request, payload: Payload<'a>, origin: Origin<'a>) -> Self {
        let query = request
            .query
            .as_deref()
            .map(|text| query::pairs_that_decode(text.as_bytes()))
            .unwrap_or_default();
        Self { request, payload, origin, parsed_headers: Object::new(), query }
    }

    /// The text of what `reference` names, or what it has in place of that.
    pub(crate) fn text_of<'f>(&'f self, reference: &'f Reference) -> Result<Text<'f>, NoValue> {
        self.text_at(&reference.subject).or_else(|missing| missing.or_instead(reference))
    }

    /// The same for who can do without the value, unless the reference requires it.
    pub(crate) fn text_if_any<'f>(
        &'f self,
        reference: &'f Reference,
    ) -> Result<Result<Text<'f>, NoValue>, NoValue> {
        match self.text_of(reference) {
            Err(required @ NoValue::Required(_)) => Err(required),
            found => Ok(found),
        }
    }

    fn text_at<'f>(&'f self, subject: &'f Subject) -> Result<Text<'f>, NoValue> {
        match subject {
            Subject::Header(name) => self.header(name, subject),
            Subject::Query(name) => text_at(&self.query, name, subject),
            Subject::Payload(name) => match &self.payload.fields {
                Some(fields) => text_at(fields, name, subject),
                None => Err(NoValue::NotFound(subject.to_string())),
            },
            Subject::Literal(text) => Ok(Cow::Borrowed(text.as_bytes())),
            Subject::Method => Ok(Cow::Borrowed(self.request.method.as_str().as_bytes())),
            Subject::RemoteAddress => Ok(Cow::Owned(self.request.peer.to_string().into_bytes())),
            Subject::RawBody if self.payload.is_multipart => Ok(Cow::Borrowed(b"")),
            Subject::RawBody => Ok(Cow::Borrowed(&self.request.body)),
            Subject::EntirePayload => Ok(Cow::Owned(match &self.payload.fields {
                Some(fields) => object_text(fields),
                None => b"null".to_vec(),
            })),
            Subject::EntireQuery => Ok(Cow::Owned(object_text(&self.query))),
            Subject::EntireHeaders => Ok(Cow::Owned(object_text(&self.all_headers()))),
            Subject::DeliveryId => label(self.origin.labels.delivery_id.as_deref(), subject),
            Subject::DeliveryEvent => label(self.origin.labels.event.as_deref(), subject),
            Subject::DeliverySender => label(self.origin.sender, subject),
            Subject::Unusable { source, name } => Err(NoValue::Unusable(format!("{source} {name}"))),
        }
    }

    /// The same as bytes of its own; those of the body are not copied.
    pub(crate) fn bytes_if_any(&self, reference: &Reference) -> Result<Result<Bytes, NoValue>, NoValue> {
        match reference.subject {
            Subject::RawBody if !self.payload.is_multipart => Ok(Ok(self.request.body.clone())),
            _ => Ok(self.text_if_any(reference)?.map(|text| Bytes::from(text.into_owned()))),
        }
    }

    /// Whether JSON's null is at `reference`. What is not there is not null.
    pub(crate) fn is_null(&self, reference: &Reference) -> Result<bool, NoValue> {
        if let Some(Value::Null | Value::NullObject) = self.value_at(&reference.subject) {
            return Ok(true);
        }
        match self.text_of(reference) {
            Err(no_value @ (NoValue::Unusable(_) | NoValue::Required(_))) => Err(no_value),
            Ok(_) | Err(NoValue::NotFound(_) | NoValue::IntoNull(_)) => Ok(false),
        }
    }

    /// The texts of the items of the list at `reference`; of what is no list, its text alone.
    pub(crate) fn items_of<'f>(&'f self, reference: &'f Reference) -> Result<Vec<Text<'f>>, NoValue> {
        match self.value_at(&reference.subject) {
            Some(Value::Array(items)) => Ok(items.iter().map(json_text::text_of).collect()),
            _ => Ok(vec![self.text_of(reference)?]),
        }
    }

    /// The value of `subject` where there are values, not only texts.
    fn value_at(&self, subject: &Subject) -> Option<&Value<'_>> {
        let (object, name) = match subject {
            Subject::Payload(name) => (self.payload.fields.as_ref()?, name),
            Subject::Query(name) => (&self.query, name),
            Subject::Header(name) => (&self.parsed_headers, name),
            _ => return None,
        };
        match lookup(object, name) {
            Found::Value(value) => Some(value),
            Found::Missing | Found::IntoNull => None,
        }
    }

    /// Replaces the text at `reference` by the JSON object it holds.
    pub(crate) fn parse_as_json(&mut self, reference: &Reference) -> Result<(), NotParsed> {
        let parsed = {
            let text = self.text_of(reference)?;
            match json::parse(&text) {
                Ok(Value::Object(object)) => Value::Object(object).into_owned(),
                Ok(Value::Null) => Value::NullObject,
                Ok(_) | Err(_) => return Err(NotParsed::NotAnObject(reference.to_string())),
            }
        };
        let replaced = match &reference.subject {
            Subject::Header(name) => {
                self.parsed_headers.insert(Cow::Owned(name.clone().into_bytes()), parsed);
                return Ok(());
            }
            Subject::Query(name) => lookup_mut(&mut self.query, name),
            Subject::Payload(name) => {
                self.payload.fields.as_mut().and_then(|fields| lookup_mut(fields, name))
            }
            _ => None,
        };
        match replaced {
            Some(place) => {
                *place = parsed;
                Ok(())
            }
            None => Err(NotParsed::NotReplaceable(reference.to_string())),
        }
    }

    fn header<'f>(&'f self, name: &str, subject: &Subject) -> Result<Text<'f>, NoValue> {
        let as_sent = || match self.request.headers.get(name).filter(|_| !is_out_of_reach(name)) {
            Some(value) => Ok(Cow::Borrowed(value.as_bytes())),
            None => Err(NoValue::NotFound(subject.to_string())),
        };
        if self.parsed_headers.is_empty() {
            return as_sent();
        }
        match text_at(&self.parsed_headers, name, subject) {
            Err(NoValue::NotFound(_)) => as_sent(),
            found => found,
        }
    }

    /// First values by canonical name, as the reference lists them.
    fn all_headers(&self) -> Object<'_> {
        let mut all: BTreeMap<Text<'_>, Value<'_>> = BTreeMap::new();
        for name in self.request.headers.keys().filter(|name| !is_out_of_reach(name.as_str())) {
            if let Some(value) = self.request.headers.get(name) {
                let name = canonical_header_name(name.as_str()).into_bytes();
                all.insert(Cow::Owned(name), Value::Text(Cow::Borrowed(value.as_bytes())));
            }
        }
        for (name, value) in &self.parsed_headers {
            all.insert(name.clone(), value.clone());
        }
        all
    }
}

/// In the reference these are no headers but parts of the request, out of a hook's reach.
fn is_out_of_reach(header: &str) -> bool {
    ["host", "transfer-encoding", "trailer"].iter().any(|name| name.eq_ignore_ascii_case(header))
}

fn label<'v>(label: Option<&'v str>, subject: &Subject) -> Result<Text<'v>, NoValue> {
    match label {
        Some(label) => Ok(Cow::Borrowed(label.as_bytes())),
        None => Err(NoValue::NotFound(subject.to_string())),
    }
}

fn text_at<'v>(object: &'v Object<'_>, name: &str, subject: &Subject) -> Result<Text<'v>, NoValue> {
    match lookup(object, name) {
        Found::Value(value) => Ok(json_text::text_of(value)),
        Found::Missing => Err(NoValue::NotFound(subject.to_string())),
        Found::IntoNull => Err(NoValue::IntoNull(subject.to_string())),
    }
}

fn object_text(object: &Object<'_>) -> Vec<u8> {
    let mut text = Vec::new();
    json_text::write_object(object, &mut text);
    text
}
