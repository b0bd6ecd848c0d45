//! The template of what a sender signs, and the text that it makes of one request.

use std::borrow::Cow;
use std::fmt;

use super::reading::{Fields, Reading};
use super::refusal::Refusal;
use super::source::{HeaderField, Source};
use super::url::PublicUrl;
use crate::value::Text;

/// Names that `{signed_headers:…}` may list: what is signed is a few headers, not the whole head.
const SIGNED_HEADERS_MAX: usize = 32;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Message {
    parts: Vec<Part>,
    text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Literal(String),
    Body,
    /// The text as received, not the number.
    Timestamp,
    Secret,
    Method,
    Url,
    Path,
    /// `{header:…}`, `{query:…}`, `{form:…}`, `{json:…}`.
    Text(Source),
    /// Every form field by name, name and value without anything between them.
    FormSorted,
    Crc32,
    /// Texts in byte order, joined; `None` is the secret.
    Sorted(Vec<Option<Source>>),
    /// The headers that this one lists, as `name:value` joined by `;`.
    SignedHeaders(HeaderField),
}

/// A stretch of a signed text. The secret is filled in per secret.
#[derive(Debug, Clone)]
pub(super) enum Piece<'a> {
    Bytes(Text<'a>),
    Secret,
    Sorted(Vec<Option<Text<'a>>>),
}

/// What a template is filled from.
pub(super) struct Scene<'a, 'r> {
    pub(super) reading: &'a Reading<'r>,
    pub(super) public_url: Option<&'a PublicUrl>,
    pub(super) timestamp: Option<&'a [u8]>,
    pub(super) timestamp_header: Option<&'a HeaderField>,
    /// A hash in the request stands for the body, so that there is no form.
    pub(super) body_hashed: bool,
}

impl Message {
    pub(crate) const ALLOWED: &'static str = "text with `{body}`, `{ts}`, `{secret}`, `{method}`, `{url}`, \
         `{path}`, `{header:NAME}`, `{query:NAME}`, `{form:NAME}`, `{json:/POINTER}`, `{form_sorted}`, \
         `{crc32}`, `{sorted:SOURCE,…}`, `{signed_headers:NAME}`";

    /// The error is the placeholder that is not known or not closed.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            let (name, next) = after.split_once('}').ok_or_else(|| format!("{{{after}"))?;
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            }
            parts.push(Part::parse(name).ok_or_else(|| format!("{{{name}}}"))?);
            rest = next;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Self { parts, text: text.to_owned() })
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    pub(crate) fn has(&self, part: &Part) -> bool {
        self.parts.contains(part)
    }

    pub(crate) fn has_secret(&self) -> bool {
        self.parts.iter().any(|part| match part {
            Part::Secret => true,
            Part::Sorted(items) => items.contains(&None),
            _ => false,
        })
    }

    pub(crate) fn needs_public_url(&self) -> bool {
        self.has(&Part::Url) || self.has(&Part::Path)
    }

    /// Every source that a part reads, for the signing side to fill in.
    pub(super) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.parts.iter().flat_map(|part| match part {
            Part::Text(source) => vec![source],
            Part::Sorted(items) => items.iter().flatten().collect(),
            _ => Vec::new(),
        })
    }

    /// Whether another text at `source` makes another message.
    pub(super) fn covers(&self, source: &Source) -> bool {
        let is_same = |signed: &Source| match (signed, source) {
            (Source::Header(signed), Source::Header(header)) => signed.name == header.name,
            _ => signed == source,
        };
        let has_it = |part: &Part| match part {
            Part::Body | Part::Crc32 => source.is_in_body(),
            Part::FormSorted => matches!(source, Source::Form { .. }),
            Part::Url | Part::Path => matches!(source, Source::Query(_)),
            Part::SignedHeaders(_) => matches!(source, Source::Header(_)),
            _ => false,
        };
        self.sources().any(is_same) || self.parts.iter().any(has_it)
    }

    /// A part that is missing fails the check: an absent text must not count as an empty one.
    pub(super) fn fill<'a>(&'a self, scene: &Scene<'a, '_>) -> Result<Vec<Piece<'a>>, Refusal> {
        self.parts.iter().map(|part| part.fill(scene)).collect()
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Part {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "body" => Self::Body,
            "ts" => Self::Timestamp,
            "secret" => Self::Secret,
            "method" => Self::Method,
            "url" => Self::Url,
            "path" => Self::Path,
            "form_sorted" => Self::FormSorted,
            "crc32" => Self::Crc32,
            _ => match name.split_once(':')? {
                ("signed_headers", header) => Self::SignedHeaders(HeaderField::parse(header)?),
                ("sorted", items) => Self::Sorted(items.split(',').map(sorted_item).collect::<Option<_>>()?),
                _ => Self::Text(Source::parse(name)?),
            },
        })
    }

    fn fill<'a>(&'a self, scene: &Scene<'a, '_>) -> Result<Piece<'a>, Refusal> {
        let request = scene.reading.request;
        let query = request.query.as_deref();
        Ok(Piece::Bytes(match self {
            Self::Literal(text) => Cow::Borrowed(text.as_bytes()),
            Self::Body => Cow::Borrowed(&request.body),
            Self::Timestamp => {
                Cow::Borrowed(scene.timestamp.ok_or_else(|| Refusal::Missing { part: "timestamp".into() })?)
            }
            Self::Secret => return Ok(Piece::Secret),
            Self::Method => Cow::Borrowed(request.method.as_str().as_bytes()),
            Self::Url => Cow::Owned(public_url(scene)?.with_query(query).into_bytes()),
            Self::Path => Cow::Owned(public_url(scene)?.path_with_query(query).into_bytes()),
            Self::Text(source) => scene.reading.text(source)?,
            Self::FormSorted if scene.body_hashed => Cow::Borrowed(&[][..]),
            Self::FormSorted => Cow::Owned(form_sorted(scene.reading.form().ok_or(Refusal::NotAForm)?)),
            Self::Crc32 => Cow::Owned(crc32(&request.body).to_string().into_bytes()),
            Self::SignedHeaders(field) => Cow::Owned(signed_headers(scene, field)?),
            Self::Sorted(items) => {
                let text =
                    |item: &Option<Source>| item.as_ref().map(|item| scene.reading.text(item)).transpose();
                return Ok(Piece::Sorted(items.iter().map(text).collect::<Result<_, _>>()?));
            }
        }))
    }
}

impl Piece<'_> {
    pub(super) fn feed(&self, secret: &[u8], sink: &mut impl FnMut(&[u8])) {
        match self {
            Self::Bytes(bytes) => sink(bytes),
            Self::Secret => sink(secret),
            Self::Sorted(items) => {
                let mut texts: Vec<&[u8]> =
                    items.iter().map(|item| item.as_deref().unwrap_or(secret)).collect();
                texts.sort_unstable();
                texts.into_iter().for_each(sink);
            }
        }
    }
}

fn sorted_item(item: &str) -> Option<Option<Source>> {
    match item {
        "secret" => Some(None),
        _ => Source::parse(item).map(Some),
    }
}

fn public_url<'a>(scene: &Scene<'a, '_>) -> Result<&'a PublicUrl, Refusal> {
    // Refused at load.
    scene.public_url.ok_or_else(|| Refusal::Missing { part: "`public-url`".into() })
}

/// Several values of one name are sorted, and each counts once.
fn form_sorted(fields: &Fields) -> Vec<u8> {
    let mut fields: Vec<&(Vec<u8>, Vec<u8>)> = fields.iter().collect();
    fields.sort_unstable();
    fields.dedup();
    fields.into_iter().flat_map(|(name, value)| name.iter().chain(value)).copied().collect()
}

/// The timestamp's header must be among them, or it could be made fresh.
fn signed_headers(scene: &Scene<'_, '_>, field: &HeaderField) -> Result<Vec<u8>, Refusal> {
    let list = scene.reading.header(field)?;
    let list = str::from_utf8(list)
        .map_err(|_| Refusal::Undecodable { part: field.described(), encoding: "a list of names".into() })?;
    if list.split(',').count() > SIGNED_HEADERS_MAX {
        return Err(Refusal::ListTooLong { part: field.described(), items_max: SIGNED_HEADERS_MAX });
    }
    let mut text = Vec::new();
    let mut lists_timestamp = scene.timestamp_header.is_none();
    for name in list.split(',') {
        // Its name is the client's, so that the log says only which header lists it.
        let listed = HeaderField::parse(name.trim()).ok_or_else(|| Refusal::Undecodable {
            part: field.described(),
            encoding: "a list of names".into(),
        })?;
        let part = || format!("a header that {} lists", field.described());
        let mut values = scene.reading.request.headers.get_all(&listed.name).iter();
        let value = match (values.next(), values.next()) {
            (Some(value), None) => value,
            (None, _) => return Err(Refusal::Missing { part: part() }),
            (Some(_), Some(_)) => return Err(Refusal::Repeated { part: part() }),
        };
        if !text.is_empty() {
            text.push(b';');
        }
        text.extend_from_slice(listed.name.as_str().as_bytes());
        text.push(b':');
        text.extend_from_slice(value.as_bytes());
        lists_timestamp |= scene.timestamp_header.is_some_and(|header| header.name == listed.name);
    }
    match scene.timestamp_header {
        Some(header) if !lists_timestamp => {
            Err(Refusal::NotSigned { part: field.described(), header: header.described() })
        }
        _ => Ok(text),
    }
}

/// CRC-32 as in zip and PNG.
fn crc32(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0xEDB8_8320;
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (POLYNOMIAL * (crc & 1)))
    })
}
