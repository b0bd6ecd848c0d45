//! Everything known about one request that a rule or an argument may refer to.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;

use crate::json_text;
use crate::lookup::{Found, lookup, lookup_each, lookup_mut};
use crate::payload::{Payload, json, query};
use crate::reference::{EACH, IfMissing, Reference, Subject, canonical_header_name};
use crate::request::Request;
use crate::sender::Labels;
use crate::template::{Name, Template, Unrendered};
use crate::value::{Object, Text, Value, owned_object};

/// A part up to this is copied when it is kept: the buffer that it was read into may be much larger.
const COPIED_MAX: usize = 64 * 1024;

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
    #[error("`{0}` of the template is not in the request, and has no `default`")]
    Undefined(String),
    #[error("the template gives no text: {0}")]
    Template(String),
    /// Missing for one of the other reasons, and the reference says that no request may be without it.
    #[error("{}", required(.0))]
    Required(Box<NoValue>),
}

/// Of a template nobody has written that it is required.
fn required(missing: &NoValue) -> String {
    match missing {
        NoValue::Undefined(_) | NoValue::Template(_) => missing.to_string(),
        _ => format!("{missing}, and it is required"),
    }
}

impl NoValue {
    /// What `reference` has in place of its value.
    #[cold]
    fn or_instead(self, reference: &Reference) -> Result<Finding<'_>, Self> {
        match &reference.if_missing {
            IfMissing::None => Err(self),
            IfMissing::Default(text) => Ok(Finding::Text(Cow::Borrowed(text.as_bytes()))),
            IfMissing::Refuse => Err(Self::Required(Box::new(self))),
        }
    }
}

/// What a reference names.
#[derive(Debug)]
pub(crate) enum Finding<'f> {
    Text(Text<'f>),
    Value(&'f Value<'f>),
    /// What a `*` in the name leads to.
    Each(Vec<&'f Value<'f>>),
}

impl<'f> Finding<'f> {
    /// As an argument, and in a rule.
    pub(crate) fn into_text(self) -> Text<'f> {
        match self {
            Self::Text(text) => text,
            Self::Value(value) => json_text::text_of(value),
            Self::Each(values) => {
                let mut text = Vec::new();
                json_text::write_list(values, &mut text);
                Cow::Owned(text)
            }
        }
    }

    /// One by one: what a `*` leads to, the elements of an array, or what is there at all.
    fn items(self) -> Vec<Text<'f>> {
        match self {
            Self::Each(values) => values.into_iter().map(json_text::text_of).collect(),
            Self::Value(Value::Array(values)) => values.iter().map(json_text::text_of).collect(),
            one => vec![one.into_text()],
        }
    }

    /// The same, and a null is nothing.
    pub(crate) fn spread(self) -> Vec<Text<'f>> {
        match self {
            Self::Value(value) if value.is_null() => Vec::new(),
            some => some.items(),
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
    /// What the names in the hook's id stand for.
    pub(crate) path: Vec<(&'a str, String)>,
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
        Self { request, payload, origin, parsed_headers: Object::new(), query, path: Vec::new() }
    }

    /// The text of what `reference` names, or what it has in place of that.
    pub(crate) fn text_of<'f>(&'f self, reference: &'f Reference) -> Result<Text<'f>, NoValue> {
        self.find(reference).map(Finding::into_text)
    }

    /// What `reference` names, or what it has in place of that.
    pub(crate) fn find<'f>(&'f self, reference: &'f Reference) -> Result<Finding<'f>, NoValue> {
        match self.find_subject(&reference.subject) {
            // For `default` and `required` a list of nothing is missing; for the others it is a list.
            Ok(Finding::Each(values)) if values.is_empty() && reference.if_missing != IfMissing::None => {
                NoValue::NotFound(reference.subject.to_string()).or_instead(reference)
            }
            Ok(found) => Ok(found),
            Err(missing) => missing.or_instead(reference),
        }
    }

    /// The text for who can do without it, unless the reference requires it.
    pub(crate) fn text_if_any<'f>(
        &'f self,
        reference: &'f Reference,
    ) -> Result<Result<Text<'f>, NoValue>, NoValue> {
        Ok(self.find_if_any(reference)?.map(Finding::into_text))
    }

    pub(crate) fn find_if_any<'f>(
        &'f self,
        reference: &'f Reference,
    ) -> Result<Result<Finding<'f>, NoValue>, NoValue> {
        match self.find(reference) {
            Err(required @ NoValue::Required(_)) => Err(required),
            found => Ok(found),
        }
    }

    fn find_subject<'f>(&'f self, subject: &'f Subject) -> Result<Finding<'f>, NoValue> {
        let text = match subject {
            Subject::Header(name) => return self.header(name, subject),
            Subject::Query(name) => return find_at(&self.query, name, subject),
            Subject::Payload(name) => match &self.payload.fields {
                Some(fields) => return find_at(fields, name, subject),
                None => return Err(NoValue::NotFound(subject.to_string())),
            },
            Subject::Literal(text) => Cow::Borrowed(text.as_bytes()),
            Subject::Method => Cow::Borrowed(self.request.method.as_str().as_bytes()),
            Subject::RemoteAddress => Cow::Owned(self.request.peer.to_string().into_bytes()),
            Subject::RawBody if self.payload.is_multipart => Cow::Borrowed(&b""[..]),
            Subject::RawBody => Cow::Borrowed(&self.request.body[..]),
            Subject::EntirePayload => Cow::Owned(match &self.payload.fields {
                Some(fields) => object_text(fields),
                None => b"null".to_vec(),
            }),
            Subject::EntireQuery => Cow::Owned(object_text(&self.query)),
            Subject::EntireHeaders => Cow::Owned(object_text(&self.all_headers())),
            Subject::DeliveryId => label(self.origin.labels.delivery_id.as_deref(), subject)?,
            Subject::DeliveryEvent => label(self.origin.labels.event.as_deref(), subject)?,
            Subject::DeliverySender => label(self.origin.sender, subject)?,
            Subject::Path(name) => {
                let value = self.path.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str());
                label(value, subject)?
            }
            Subject::Upload(name) => match self.payload.upload(name) {
                Some(bytes) => Cow::Borrowed(bytes),
                None => return Err(NoValue::NotFound(subject.to_string())),
            },
            Subject::Template(template) => Cow::Owned(self.rendered(template)?.into_bytes()),
            Subject::Unusable { source, name } => {
                return Err(NoValue::Unusable(format!("{source} {name}")));
            }
        };
        Ok(Finding::Text(text))
    }

    /// The same as bytes of its own; those of a long body are not copied.
    pub(crate) fn bytes_if_any(&self, reference: &Reference) -> Result<Result<Bytes, NoValue>, NoValue> {
        let upload = match &reference.subject {
            Subject::Upload(name) => self.payload.upload(name),
            _ => None,
        };
        if let Some(upload) = upload {
            return Ok(Ok(keep(&self.request.body, upload)));
        }
        match reference.subject {
            Subject::RawBody if !self.payload.is_multipart => {
                Ok(Ok(keep(&self.request.body, &self.request.body)))
            }
            _ => Ok(self.text_if_any(reference)?.map(|text| Bytes::from(text.into_owned()))),
        }
    }

    /// Whether JSON's null is at `reference`, or in the list there. What is not there is not null.
    pub(crate) fn is_null(&self, reference: &Reference) -> Result<bool, NoValue> {
        match self.find(reference) {
            Ok(Finding::Value(value)) => Ok(value.is_null()),
            Ok(Finding::Each(values)) => Ok(values.into_iter().any(Value::is_null)),
            Ok(Finding::Text(_)) | Err(NoValue::NotFound(_) | NoValue::IntoNull(_)) => Ok(false),
            Err(no_value) => Err(no_value),
        }
    }

    /// The texts of the items of the list at `reference`; of what is no list, its text alone.
    pub(crate) fn items_of<'f>(&'f self, reference: &'f Reference) -> Result<Vec<Text<'f>>, NoValue> {
        Ok(self.find(reference)?.items())
    }

    pub(crate) fn rendered(&self, template: &Template) -> Result<String, NoValue> {
        template.render(|name| self.part(template, name)).map_err(|unrendered| match unrendered {
            Unrendered::Undefined(part) => NoValue::Undefined(part),
            Unrendered::Failed(reason) => NoValue::Template(reason),
        })
    }

    /// What a template finds under `name`.
    fn part(&self, template: &Template, name: Name) -> Value<'static> {
        let text = |text: &str| Value::Text(Cow::Owned(text.as_bytes().to_owned()));
        let object = |fields: &[(&'static str, Option<Value<'static>>)]| {
            let fields = fields
                .iter()
                .filter_map(|(name, value)| Some((Cow::Borrowed(name.as_bytes()), value.clone()?)));
            Value::Object(fields.collect())
        };
        match name {
            Name::Payload => match &self.payload.fields {
                Some(fields) => Value::Object(template.wanted().copy_of_object(fields)),
                None => Value::Object(Object::new()),
            },
            Name::Header => Value::Object(owned_object(self.all_headers())),
            Name::Query => Value::Object(owned_object(self.query.clone())),
            Name::Request => {
                let address = Some(text(&self.request.peer.to_string()));
                object(&[
                    ("id", Some(text(&self.request.id))),
                    ("method", Some(text(self.request.method.as_str()))),
                    ("remote-addr", address.clone()),
                    ("remote_addr", address),
                ])
            }
            Name::Path => {
                let values = self
                    .path
                    .iter()
                    .map(|(name, value)| (Cow::Owned(name.as_bytes().to_owned()), text(value)));
                Value::Object(values.collect())
            }
            Name::Delivery => object(&[
                ("id", self.origin.labels.delivery_id.as_deref().map(text)),
                ("event", self.origin.labels.event.as_deref().map(text)),
                ("sender", self.origin.sender.map(text)),
            ]),
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

    fn header<'f>(&'f self, name: &str, subject: &Subject) -> Result<Finding<'f>, NoValue> {
        let as_sent = || match self.request.headers.get(name).filter(|_| !is_out_of_reach(name)) {
            Some(value) => Ok(Finding::Text(Cow::Borrowed(value.as_bytes()))),
            None => Err(NoValue::NotFound(subject.to_string())),
        };
        if self.parsed_headers.is_empty() {
            return as_sent();
        }
        match find_at(&self.parsed_headers, name, subject) {
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

fn find_at<'v>(object: &'v Object<'_>, name: &str, subject: &Subject) -> Result<Finding<'v>, NoValue> {
    match lookup(object, name) {
        Found::Value(value) => Ok(Finding::Value(value)),
        Found::Missing => {
            let each = name.contains(EACH).then(|| lookup_each(object, name)).flatten();
            each.map(Finding::Each).ok_or_else(|| NoValue::NotFound(subject.to_string()))
        }
        Found::IntoNull => Err(NoValue::IntoNull(subject.to_string())),
    }
}

fn object_text(object: &Object<'_>) -> Vec<u8> {
    let mut text = Vec::new();
    json_text::write_object(object, &mut text);
    text
}

/// `part` of `body`, to outlive the request.
fn keep(body: &Bytes, part: &[u8]) -> Bytes {
    if part.len() <= COPIED_MAX { Bytes::copy_from_slice(part) } else { body.slice_ref(part) }
}
