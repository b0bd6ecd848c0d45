//! Everything known about one request that a rule or an argument may refer to.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::json_text;
use crate::lookup::{Found, lookup, lookup_mut};
use crate::payload::{Payload, json, query};
use crate::reference::{Reference, canonical_header_name};
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

    /// The text of what `reference` names.
    pub(crate) fn text_of<'f>(&'f self, reference: &'f Reference) -> Result<Cow<'f, [u8]>, NoValue> {
        match reference {
            Reference::Header(name) => self.header(name, reference),
            Reference::Query(name) => text_at(&self.query, name, reference),
            Reference::Payload(name) => match &self.payload.fields {
                Some(fields) => text_at(fields, name, reference),
                None => Err(NoValue::NotFound(reference.to_string())),
            },
            Reference::Literal(text) => Ok(Cow::Borrowed(text.as_bytes())),
            Reference::Method => Ok(Cow::Borrowed(self.request.method.as_str().as_bytes())),
            Reference::RemoteAddress => Ok(Cow::Owned(self.request.peer.to_string().into_bytes())),
            Reference::RawBody if self.payload.is_multipart => Ok(Cow::Borrowed(b"")),
            Reference::RawBody => Ok(Cow::Borrowed(&self.request.body)),
            Reference::EntirePayload => Ok(Cow::Owned(match &self.payload.fields {
                Some(fields) => object_text(fields),
                None => b"null".to_vec(),
            })),
            Reference::EntireQuery => Ok(Cow::Owned(object_text(&self.query))),
            Reference::EntireHeaders => Ok(Cow::Owned(object_text(&self.all_headers()))),
            Reference::DeliveryId => label(self.origin.labels.delivery_id.as_deref(), reference),
            Reference::DeliveryEvent => label(self.origin.labels.event.as_deref(), reference),
            Reference::DeliverySender => label(self.origin.sender, reference),
            Reference::Unusable { source, name } => Err(NoValue::Unusable(format!("{source} {name}"))),
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
        let replaced = match reference {
            Reference::Header(name) => {
                self.parsed_headers.insert(Cow::Owned(name.clone().into_bytes()), parsed);
                return Ok(());
            }
            Reference::Query(name) => lookup_mut(&mut self.query, name),
            Reference::Payload(name) => {
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

    fn header<'f>(&'f self, name: &str, reference: &Reference) -> Result<Cow<'f, [u8]>, NoValue> {
        // In the reference `Host` is no header but a part of the request, out of a reference's reach.
        let as_sent = || match self.request.headers.get(name).filter(|_| name != "Host") {
            Some(value) => Ok(Cow::Borrowed(value.as_bytes())),
            None => Err(NoValue::NotFound(reference.to_string())),
        };
        if self.parsed_headers.is_empty() {
            return as_sent();
        }
        match text_at(&self.parsed_headers, name, reference) {
            Err(NoValue::NotFound(_)) => as_sent(),
            found => found,
        }
    }

    /// First values by canonical name, without `Host`, as the reference lists them.
    fn all_headers(&self) -> Object<'_> {
        let mut all: BTreeMap<Text<'_>, Value<'_>> = BTreeMap::new();
        for name in self.request.headers.keys().filter(|name| *name != hyper::header::HOST) {
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

fn label<'v>(label: Option<&'v str>, reference: &Reference) -> Result<Cow<'v, [u8]>, NoValue> {
    match label {
        Some(label) => Ok(Cow::Borrowed(label.as_bytes())),
        None => Err(NoValue::NotFound(reference.to_string())),
    }
}

fn text_at<'v>(object: &'v Object<'_>, name: &str, reference: &Reference) -> Result<Cow<'v, [u8]>, NoValue> {
    match lookup(object, name) {
        Found::Value(value) => Ok(json_text::text_of(value)),
        Found::Missing => Err(NoValue::NotFound(reference.to_string())),
        Found::IntoNull => Err(NoValue::IntoNull(reference.to_string())),
    }
}

fn object_text(object: &Object<'_>) -> Vec<u8> {
    let mut text = Vec::new();
    json_text::write_object(object, &mut text);
    text
}
