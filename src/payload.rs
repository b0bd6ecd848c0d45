//! A request's body as fields: JSON, form, XML or multipart. A body that cannot be read so is a value
//! too, with the reason in it; the request goes on without a payload.

pub(crate) mod json;
mod multipart;
pub(crate) mod query;
mod xml;

use crate::request::Request;
use crate::value::{Object, Text, Value};

pub(crate) use json::Wanted;
pub(crate) use multipart::MultipartError;

/// Values that are built of one body. Each takes some hundred bytes, many times what it takes in the body,
/// and the memory for bodies is counted as they come. A real payload has some thousand values.
const VALUES_MAX: usize = 500_000;

/// The fields of a body, if it has any, and why it has none.
#[derive(Debug, Default)]
pub(crate) struct Payload<'a> {
    pub(crate) fields: Option<Object<'a>>,
    pub(crate) problem: Option<Problem>,
    /// Parts of a multipart body that the hook asks for, by name.
    pub(crate) uploads: Vec<(Vec<u8>, &'a [u8])>,
    /// A multipart body is not offered as `raw-request-body`; signatures cover it all the same.
    pub(crate) is_multipart: bool,
}

impl<'a> Payload<'a> {
    /// The bytes of the first part of that name.
    pub(crate) fn upload(&self, name: &str) -> Option<&'a [u8]> {
        self.uploads.iter().find(|(of, _)| of == name.as_bytes()).map(|(_, bytes)| *bytes)
    }
}

/// Why a payload, or a part of it, is missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("error parsing body payload due to unsupported content type header: {content_type:?}")]
    UnsupportedContentType { content_type: String },
    #[error("error parsing JSON payload: {0}")]
    Json(String),
    #[error("error parsing form payload: {0}")]
    Form(String),
    #[error("error parsing XML payload: {0}")]
    Xml(String),
    #[error("error parsing JSON payload file `{part}`: {reason}")]
    Part { part: String, reason: String },
}

impl Problem {
    /// The key that mends it, for a hook that looks into the payload.
    pub(crate) fn help(&self) -> Option<&'static str> {
        matches!(self, Self::UnsupportedContentType { .. })
            .then_some("if the body is JSON, set `incoming-payload-content-type: application/json`")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Json,
    Form,
    Xml,
    Multipart,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Form => "form",
            Self::Xml => "xml",
            Self::Multipart => "multipart",
        }
    }

    /// The order counts: the first that fits wins. Compared without regard to case. A form is one whatever its boundary
    /// is, which is random and may well have `xml` in it.
    pub(crate) fn of(content_type: &[u8]) -> Option<Self> {
        if content_type.eq_ignore_ascii_case(b"application/json") {
            return Some(Self::Json);
        }
        let content_type = content_type.to_ascii_lowercase();
        let contains = |needle: &[u8]| content_type.windows(needle.len()).any(|window| window == needle);
        if content_type.starts_with(b"multipart/form-data;") {
            Some(Self::Multipart)
        } else if contains(b"json") {
            Some(Self::Json)
        } else if contains(b"x-www-form-urlencoded") {
            Some(Self::Form)
        } else if contains(b"xml") {
            Some(Self::Xml)
        } else {
            None
        }
    }
}

/// What the hook says about reading the body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'h> {
    /// Used instead of the request's own.
    pub(crate) content_type: Option<&'h str>,
    /// The parts of a JSON body that are needed.
    pub(crate) wanted: &'h Wanted,
    /// Names of multipart file parts to read as JSON whatever their type.
    pub(crate) json_parts: &'h [&'h str],
    /// Names of multipart parts to keep as they are.
    pub(crate) uploads: &'h [String],
}

impl<'h> Reading<'h> {
    /// The content type that counts: the hook's, or else the request's own.
    pub(crate) fn content_type<'r>(&self, request: &'r Request) -> &'r [u8]
    where
        'h: 'r,
    {
        self.content_type.map_or(own_content_type(request), str::as_bytes)
    }
}

fn own_content_type(request: &Request) -> &[u8] {
    request.headers.get(hyper::header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes())
}

/// Reads the body of `request`. Only a broken multipart body is an error: the reference refuses it.
pub(crate) fn parse<'a>(request: &'a Request, reading: Reading<'_>) -> Result<Payload<'a>, MultipartError> {
    let content_type = reading.content_type(request);
    Ok(match Kind::of(content_type) {
        Some(Kind::Json) => match json::parse_payload(&request.body, reading.wanted) {
            Ok(fields) => Payload { fields, ..Payload::default() },
            Err(error) => without(Problem::Json(error.to_string())),
        },
        Some(Kind::Form) => match query::all_pairs(&request.body) {
            Ok(fields) => Payload { fields: Some(fields), ..Payload::default() },
            Err(error) => without(Problem::Form(error.to_string())),
        },
        Some(Kind::Xml) => match xml::parse(&request.body) {
            Ok(Value::Object(fields)) => Payload { fields: Some(fields), ..Payload::default() },
            Ok(_) => Payload::default(),
            Err(error) => without(Problem::Xml(error.to_string())),
        },
        Some(Kind::Multipart) => {
            // The boundary is the request's own, whatever the hook says.
            multipart::parse(own_content_type(request), &request.body, reading)?
        }
        None => without(Problem::UnsupportedContentType {
            content_type: crate::log_text::clipped(&String::from_utf8_lossy(content_type)).into_owned(),
        }),
    })
}

fn without(problem: Problem) -> Payload<'static> {
    Payload { problem: Some(problem), ..Payload::default() }
}

/// A field of a form: the first value of its name counts.
fn insert_first<'a>(fields: &mut Object<'a>, name: Text<'a>, value: Text<'a>) {
    fields.entry(name).or_insert(Value::Text(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_type_decides_by_its_first_fitting_part() {
        #[track_caller]
        fn check(content_type: &str, expected: Option<Kind>) {
            assert_eq!(Kind::of(content_type.as_bytes()), expected, "{content_type}");
        }
        check("application/json", Some(Kind::Json));
        check("Application/JSON; charset=utf-8", Some(Kind::Json));
        check("x-json-x-www-form-urlencoded", Some(Kind::Json));
        check("application/x-www-form-urlencoded", Some(Kind::Form));
        check("text/xml; charset=utf-8", Some(Kind::Xml));
        check("multipart/form-data; boundary=x", Some(Kind::Multipart));
        check("Multipart/Form-Data; boundary=x", Some(Kind::Multipart));
        check("multipart/form-data; boundary=----WebKitFormBoundaryabXmLcdefghijkl", Some(Kind::Multipart));
        check("multipart/form-data; boundary=json", Some(Kind::Multipart));
        check("multipart/mixed; boundary=json", Some(Kind::Json));
        check("multipart/form-data", None);
        check("text/plain", None);
        check("", None);
    }
}
