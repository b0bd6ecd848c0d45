//! `multipart/form-data` (RFC 7578): the first value of each field; file parts only as JSON.

use std::borrow::Cow;
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::{Payload, Problem, insert_first, json};
use crate::log_text::clipped;
use crate::value::{Object, Value};

/// Parts of one body. A form has dozens; each costs a map entry.
const PARTS_MAX: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MultipartError {
    #[error("the content type names no boundary")]
    NoBoundary,
    #[error("more than {PARTS_MAX} parts")]
    TooManyParts,
    #[error("{0}")]
    Broken(String),
}

/// `json_parts` are the names of file parts that are read as JSON whatever their type.
pub(super) fn parse(
    content_type: &[u8],
    body: &Bytes,
    json_parts: &[&str],
) -> Result<Payload<'static>, MultipartError> {
    let content_type = std::str::from_utf8(content_type).map_err(|_| MultipartError::NoBoundary)?;
    let boundary = multer::parse_boundary(content_type).map_err(|_| MultipartError::NoBoundary)?;
    let mut parts = multer::Multipart::new(WholeBody(Some(body.clone())), boundary);
    let mut fields: Option<Object<'static>> = None;
    let mut problem = None;
    for count in 0.. {
        let broken = |error: multer::Error| MultipartError::Broken(words_of(&error));
        let Some(part) = ready(parts.next_field())?.map_err(broken)? else {
            break;
        };
        if count == PARTS_MAX {
            return Err(MultipartError::TooManyParts);
        }
        let Some(name) = part.name().filter(|name| !name.is_empty()).map(str::to_owned) else {
            continue;
        };
        let is_file = part.file_name().is_some_and(|file_name| !file_name.is_empty());
        let is_json = part.headers().get_all("content-type").iter().any(|value| value == "application/json");
        let content = ready(part.bytes())?.map_err(broken)?;
        if !is_file {
            let text = Cow::Owned(content.to_vec());
            insert_first(fields.get_or_insert_default(), Cow::Owned(name.into_bytes()), text);
        } else if is_json || json_parts.contains(&name.as_str()) {
            let parsed = json_object(&content).unwrap_or_else(|reason| {
                problem = Some(Problem::Part { part: clipped(&name), reason });
                Value::NullObject
            });
            fields.get_or_insert_default().entry(Cow::Owned(name.into_bytes())).or_insert(parsed);
        }
    }
    Ok(Payload { fields, problem, is_multipart: true })
}

/// The parser's own words can quote names of fields, which are the sender's.
fn words_of(error: &multer::Error) -> String {
    match error {
        multer::Error::IncompleteFieldData { .. }
        | multer::Error::IncompleteHeaders
        | multer::Error::IncompleteStream => "the form ends early".to_owned(),
        multer::Error::ReadHeaderFailed(_) | multer::Error::DecodeHeaderName { .. } => {
            "a part has a broken header".to_owned()
        }
        _ => "not a form of the boundary that the content type names".to_owned(),
    }
}

fn json_object(text: &[u8]) -> Result<Value<'static>, String> {
    match json::parse(text) {
        Ok(Value::Object(object)) => Ok(Value::Object(object).into_owned()),
        Ok(Value::Null) => Ok(Value::NullObject),
        Ok(_) => Err("not a JSON object".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// The parser is asynchronous, the body is all here: it never has to wait.
fn ready<F: Future>(future: F) -> Result<F::Output, MultipartError> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Ok(output),
        Poll::Pending => Err(MultipartError::Broken("incomplete multipart body".to_owned())),
    }
}

/// The one chunk that a body is.
struct WholeBody(Option<Bytes>);

impl futures_core::Stream for WholeBody {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.take().map(Ok))
    }
}
