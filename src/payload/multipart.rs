//! `multipart/form-data` (RFC 7578): the first value of each field; file parts only as JSON, or as the bytes
//! they are where the hook asks for those. What is accepted and what becomes of it is what Go's
//! `mime/multipart` makes of it.

mod media_type;
mod parts;

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{Payload, Problem, Reading, insert_first, json};
use crate::log_text::clipped;
use crate::value::{Object, Value};
use media_type::MediaType;
use parts::{Part, Parts};

/// Parts of one body. A form has dozens; each costs a map entry.
const PARTS_MAX: usize = 10_000;

/// Nothing of the form is repeated here: it is the sender's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MultipartError {
    #[error("the content type names no boundary")]
    NoBoundary,
    #[error("more than {PARTS_MAX} parts")]
    TooManyParts,
    #[error("the form ends early")]
    EndsEarly,
    #[error("a part has a broken header")]
    BrokenHead,
    #[error("the headers of a part take more than {} KiB", parts::HEAD_BYTES_MAX / 1024)]
    LongHead,
    #[error("not a form of the boundary that the content type names")]
    NoPart,
}

/// Uploads are slices of the body.
pub(super) fn parse<'b>(
    content_type: &[u8],
    body: &'b [u8],
    reading: Reading<'_>,
) -> Result<Payload<'b>, MultipartError> {
    let content_type = MediaType::parse(content_type).filter(|of| of.name == b"multipart/form-data");
    let boundary = content_type.and_then(|of| of.parameter("boundary")).filter(|it| !it.is_empty());
    let mut parts = Parts::new(body, &boundary.ok_or(MultipartError::NoBoundary)?);
    let mut fields: Option<Object<'b>> = None;
    let mut uploads: Vec<(Vec<u8>, &'b [u8])> = Vec::new();
    let mut files: BTreeSet<Vec<u8>> = BTreeSet::new();
    let mut of_files: Object<'b> = Object::new();
    let mut problem = None;
    for count in 0.. {
        let Some(part) = parts.next()? else { break };
        if count == PARTS_MAX {
            return Err(MultipartError::TooManyParts);
        }
        let Some(Disposition { name, is_file }) = disposition(&part) else { continue };
        let is_wanted = reading.uploads.iter().any(|wanted| wanted.as_bytes() == name);
        if is_wanted && !uploads.iter().any(|(of, _)| *of == name) {
            uploads.push((name.clone(), part.content));
        }
        if !is_file {
            insert_first(fields.get_or_insert_default(), Cow::Owned(name), Cow::Borrowed(part.content));
        // Of several files of one name only the first counts, whatever it is.
        } else if files.insert(name.clone())
            && (is_json(&part) || reading.json_parts.iter().any(|wanted| wanted.as_bytes() == name))
        {
            let parsed = json_object(part.content).unwrap_or_else(|reason| {
                let part = clipped(&String::from_utf8_lossy(&name)).into_owned();
                problem = Some(Problem::Part { part, reason });
                Value::NullObject
            });
            of_files.insert(Cow::Owned(name), parsed);
        }
    }
    if !of_files.is_empty() {
        // A file counts more than a field of its name.
        fields.get_or_insert_default().append(&mut of_files);
    }
    Ok(Payload { fields, problem, uploads, is_multipart: true })
}

struct Disposition {
    name: Vec<u8>,
    is_file: bool,
}

/// What the part is, if it is a field of the form.
fn disposition(part: &Part<'_>) -> Option<Disposition> {
    let disposition = MediaType::parse(part.headers("content-disposition").next()?)?;
    let name = disposition.parameter("name").filter(|name| !name.is_empty())?;
    let is_file = disposition.parameter("filename").is_some_and(|name| !name.is_empty());
    (disposition.name == b"form-data").then_some(Disposition { name, is_file })
}

fn is_json(part: &Part<'_>) -> bool {
    part.headers("content-type").any(|value| value == b"application/json")
}

fn json_object(text: &[u8]) -> Result<Value<'_>, String> {
    match json::parse(text) {
        Ok(Value::Object(object)) => Ok(Value::Object(object)),
        Ok(Value::Null) => Ok(Value::NullObject),
        Ok(_) => Err("not a JSON object".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
