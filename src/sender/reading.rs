//! Reads single texts out of a request. JSON and form bodies are parsed when first asked for, so that
//! a sender that signs the raw body never gets as far as a parser.

use std::borrow::Cow;
use std::cell::OnceCell;

use hyper::header::CONTENT_TYPE;
use percent_encoding::percent_decode;

use super::refusal::Refusal;
use super::source::{HeaderField, Pointer, Source};
use crate::payload::json;
use crate::request::Request;
use crate::value::{Object, Text, Value};

pub(super) type Fields = Vec<(Vec<u8>, Vec<u8>)>;

pub(super) struct Reading<'r> {
    pub(super) request: &'r Request,
    json: OnceCell<Option<Value<'r>>>,
    form: OnceCell<Option<Fields>>,
}

impl<'r> Reading<'r> {
    pub(super) fn new(request: &'r Request) -> Self {
        Self { request, json: OnceCell::new(), form: OnceCell::new() }
    }

    /// What is there exactly once. Two values would let the sender's copy be checked and the other be
    /// used.
    pub(super) fn text(&self, source: &Source) -> Result<Text<'_>, Refusal> {
        match source {
            Source::Header(field) => self.header(field).map(Cow::Borrowed),
            Source::Query(name) => {
                let mut values = self.query(name);
                only(&mut values, || source.described()).map(Cow::Owned)
            }
            Source::Json(pointer) => {
                let value = self.json().ok_or(Refusal::NotJson)?;
                found(value, pointer).ok_or_else(|| missing(source))
            }
            Source::Form { field, pointer } => {
                let fields = self.form().ok_or(Refusal::NotAForm)?;
                let mut values = fields.iter().filter(|(name, _)| name == field.as_bytes());
                let (_, text) = only(&mut values, || source.described())?;
                let Some(pointer) = pointer else {
                    return Ok(Cow::Borrowed(text));
                };
                let value = json::parse(text).map_err(|_| Refusal::NotJson)?;
                let text = found(&value, pointer).ok_or_else(|| missing(source))?;
                Ok(Cow::Owned(text.into_owned()))
            }
        }
    }

    /// All that is there, however often: as it reads and, if that is another text, as it was sent.
    pub(super) fn every(&self, source: &Source) -> Vec<Vec<u8>> {
        let in_pairs = |pairs: &[u8], name: &str| {
            let pairs = pairs.split(|byte| *byte == b'&');
            let known = pairs.filter_map(|pair| {
                let (key, value) = decoded_pair(pair)?;
                let sent = pair.splitn(2, |byte| *byte == b'=').nth(1).unwrap_or_default();
                (key == name.as_bytes()).then(|| [value, sent.to_vec()])
            });
            known.flatten().collect()
        };
        match source {
            Source::Header(field) => {
                let values = self.request.headers.get_all(&field.name).iter();
                values.map(|value| value.as_bytes().to_vec()).collect()
            }
            Source::Query(name) => {
                in_pairs(self.request.query.as_deref().unwrap_or_default().as_bytes(), name)
            }
            Source::Form { field, pointer: None } => in_pairs(&self.request.body, field),
            Source::Json(_) | Source::Form { .. } => {
                self.text(source).map(Cow::into_owned).into_iter().collect()
            }
        }
    }

    pub(super) fn header(&self, field: &HeaderField) -> Result<&'r [u8], Refusal> {
        let mut values = self.request.headers.get_all(&field.name).iter();
        only(&mut values, || field.described()).map(|value| value.as_bytes())
    }

    /// The values of the query's pairs of this name. A pair with a bad escape or a `;` is skipped, as in
    /// the references of a hook.
    pub(super) fn query(&self, name: &str) -> impl Iterator<Item = Vec<u8>> {
        let query = self.request.query.as_deref().unwrap_or_default();
        query.split('&').filter_map(move |pair| {
            let (key, value) = decoded_pair(pair.as_bytes())?;
            (key == name.as_bytes()).then_some(value)
        })
    }

    pub(super) fn json(&self) -> Option<&Value<'r>> {
        self.json.get_or_init(|| json::parse(&self.request.body).ok()).as_ref()
    }

    /// `None` when the body is no form, or says that it is something else: then the hook's payload would
    /// be something else too.
    pub(super) fn form(&self) -> Option<&Fields> {
        self.form.get_or_init(|| form(self.request)).as_ref()
    }
}

fn only<T>(values: &mut impl Iterator<Item = T>, part: impl Fn() -> String) -> Result<T, Refusal> {
    let value = values.next().ok_or_else(|| Refusal::Missing { part: part() })?;
    match values.next() {
        Some(_) => Err(Refusal::Repeated { part: part() }),
        None => Ok(value),
    }
}

fn missing(source: &Source) -> Refusal {
    Refusal::Missing { part: source.described() }
}

/// A text or the digits of a number; other values are no signature, timestamp or id.
fn found<'v>(value: &'v Value<'_>, pointer: &Pointer) -> Option<Text<'v>> {
    match pointer.find(value)? {
        Value::Text(text) => Some(Cow::Borrowed(text)),
        Value::Number(digits) => Some(Cow::Borrowed(digits.as_bytes())),
        _ => None,
    }
}

/// The text at `key`; what is no text is none.
pub(super) fn text_in<'o>(object: &'o Object<'_>, key: &str) -> Option<&'o [u8]> {
    match object.get(key.as_bytes()) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

fn form(request: &Request) -> Option<Fields> {
    if request.body.is_empty() {
        return Some(Fields::new());
    }
    if let Some(content_type) = request.headers.get(CONTENT_TYPE).filter(|value| !value.is_empty()) {
        let content_type = content_type.to_str().ok()?.to_ascii_lowercase();
        if !content_type.contains("x-www-form-urlencoded") {
            return None;
        }
    }
    let pairs = request.body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    pairs.map(decoded_pair).collect()
}

fn decoded_pair(pair: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    // Some readers end a pair there.
    if pair.contains(&b';') {
        return None;
    }
    let mut halves = pair.splitn(2, |byte| *byte == b'=');
    let key = decoded(halves.next()?)?;
    let value = decoded(halves.next().unwrap_or_default())?;
    Some((key, value))
}

fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let well_formed = text
        .split(|byte| *byte == b'%')
        .skip(1)
        .all(|rest| rest.get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)));
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    well_formed.then(|| percent_decode(&spaced).collect())
}
