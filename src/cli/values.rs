//! What the values of flags must be.

use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};

use crate::hook;
use crate::respond;
use crate::units::{parse_duration, parse_size};

/// A list without a name is a slip: it would allow none, or all.
pub(super) fn methods(list: &str) -> Result<String, &'static str> {
    match !list.is_empty() && list.split(',').all(|method| method.trim().is_empty()) {
        true => Err("write the names of methods, separated by commas: `POST,PUT`"),
        false => Ok(list.to_owned()),
    }
}

pub(super) fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once('=').ok_or("write it as `name=value`")?;
    let name =
        HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| format!("`{name}` is no header name"))?;
    let value =
        HeaderValue::from_str(value).map_err(|_| "the value cannot be sent in a header".to_owned())?;
    if hook::is_framing(&name) {
        return Err(format!("`{name}` belongs to the connection and is set by the server"));
    }
    Ok((name, value))
}

/// A status that can be sent.
pub(super) fn parse_status(text: &str) -> Result<i64, String> {
    let status = text.parse().ok().filter(|status| respond::is_sent(*status));
    status.ok_or_else(|| "write a status from 200 to 599 that HTTP knows, as 200, 400 or 403".to_owned())
}

/// A duration that something must take: zero would refuse everything.
pub(super) fn parse_timeout(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => Err("a timeout of zero leaves time for nothing".to_owned()),
        timeout => Ok(timeout),
    }
}

/// A size that the buffer for a head can have.
pub(super) fn parse_head_size(text: &str) -> Result<usize, String> {
    match parse_size(text)? {
        size @ 8192..=16_777_216 => Ok(size),
        _ => Err("write a size from 8KiB to 16MiB".to_owned()),
    }
}
