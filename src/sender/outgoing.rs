//! A request under construction: texts put where a record says that they are.

use hyper::header::HeaderName;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::sign::{SignError, Signed};
use super::source::{HeaderField, Pointer, Source};

/// What RFC 3986 leaves as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) struct Outgoing {
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Outgoing {
    pub(super) fn new(url: String, headers: Vec<(String, String)>, body: Vec<u8>) -> Self {
        Self { url, headers, body }
    }

    pub(super) fn into_signed(self) -> Signed {
        Signed { url: self.url, headers: self.headers, body: self.body }
    }

    pub(super) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name.as_str()))
            .map(|(_, value)| &**value)
    }

    pub(super) fn has_header(&self, name: &HeaderName) -> bool {
        self.header(name).is_some()
    }

    /// Instead of what was there.
    pub(super) fn set_header(&mut self, name: &str, value: String) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value));
    }

    /// Unless it is there.
    pub(super) fn add_header(&mut self, field: &HeaderField, value: &str) {
        if !self.has_header(&field.name) {
            self.set_header(&field.text, value.to_owned());
        }
    }

    /// A text where `source` says. In JSON, a `number` is written as one.
    pub(super) fn place(&mut self, source: &Source, text: &str, number: bool) -> Result<(), SignError> {
        match source {
            Source::Header(field) => self.set_header(&field.text, text.to_owned()),
            Source::Query(name) => self.set_query(name, text),
            Source::Json(pointer) => {
                let fault = || SignError::NotJson(source.described());
                let mut body = match self.body.trim_ascii() {
                    b"" => container(pointer, 0),
                    body => serde_json::from_slice(body).map_err(|_| fault())?,
                };
                let digits = text.parse::<u64>().ok().filter(|_| number);
                let value = digits.map_or_else(|| Value::from(text), Value::from);
                put(&mut body, pointer, value).ok_or_else(fault)?;
                self.body = body.to_string().into_bytes();
            }
            Source::Form { field, pointer: None } => self.set_form(field, text, source)?,
            Source::Form { .. } => return Err(SignError::Unplaceable(source.described())),
        }
        Ok(())
    }

    fn set_query(&mut self, name: &str, text: &str) {
        let (base, query) = self.url.split_once('?').unwrap_or((&self.url, ""));
        let mut pairs = without(query, name);
        pairs.push(pair(name, text));
        self.url = format!("{base}?{}", pairs.join("&"));
    }

    fn set_form(&mut self, field: &str, text: &str, source: &Source) -> Result<(), SignError> {
        let body = str::from_utf8(&self.body).map_err(|_| SignError::NotAForm(source.described()))?;
        if matches!(body.trim_ascii_start().as_bytes().first(), Some(b'{' | b'[')) {
            return Err(SignError::NotAForm(source.described()));
        }
        let mut pairs = without(body.trim_ascii(), field);
        pairs.push(pair(field, text));
        self.body = pairs.join("&").into_bytes();
        Ok(())
    }
}

fn pair(name: &str, text: &str) -> String {
    format!("{}={}", utf8_percent_encode(name, RESERVED), utf8_percent_encode(text, RESERVED))
}

fn without(pairs: &str, name: &str) -> Vec<String> {
    let encoded = utf8_percent_encode(name, RESERVED).to_string();
    let other = |pair: &&str| {
        let key = pair.split('=').next().unwrap_or_default();
        !pair.is_empty() && key != encoded && key != name
    };
    pairs.split('&').filter(other).map(str::to_owned).collect()
}

/// Makes the objects and lists on the way. `None`: something else is in the way.
fn put(body: &mut Value, pointer: &Pointer, value: Value) -> Option<()> {
    let mut place = body;
    for (position, key) in pointer.keys.iter().enumerate() {
        let empty = || container(pointer, position + 1);
        place = match place {
            Value::Object(members) => members.entry(key.as_str()).or_insert_with(empty),
            Value::Array(items) => {
                let index: usize = key.parse().ok()?;
                if index == items.len() {
                    items.push(empty());
                }
                items.get_mut(index)?
            }
            _ => return None,
        };
    }
    *place = value;
    Some(())
}

/// What the key at `position` is looked up in: a list for its first item, else an object.
fn container(pointer: &Pointer, position: usize) -> Value {
    match pointer.keys.get(position).map(String::as_str) {
        Some("0") => Value::Array(Vec::new()),
        _ => Value::Object(Map::new()),
    }
}
