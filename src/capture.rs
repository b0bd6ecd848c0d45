//! A request as a file: the raw HTTP/1.1 message, and before its own headers two lines for what a message
//! does not say, from whom and when it came. `-save-requests` writes such files, `explain` reads them, and
//! those that anybody else captured.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use hyper::header::{CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING};
use hyper::{HeaderMap, Method, Uri};

use crate::request::{Peer, Request};
use crate::sender::{Unit, format_ms, parse_ms};

/// As large as `-max-header-size` can be, and our own two headers.
pub(crate) const HEAD_BYTES_MAX: usize = 16 * 1024 * 1024 + 256;
/// As many as `-max-headers` can be, and our own two.
const HEADERS_MAX: usize = 10_002;
/// Written before the message's own headers, and read only there: one that a sender sends is a header like
/// any other.
const PEER: &str = "X-Hookrunner-Peer";
const RECEIVED: &str = "X-Hookrunner-Received";

/// What a file says of a request.
#[derive(Debug)]
pub(crate) struct Capture {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Bytes after the body's announced end, which are no part of it.
    pub(crate) excess_bytes: usize,
    pub(crate) peer: Option<Peer>,
    pub(crate) received_unix_ms: Option<i64>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum CaptureError {
    #[error("the message ends before the empty line that ends its headers")]
    HeadIncomplete,
    #[error("the head is longer than {HEAD_BYTES_MAX} bytes")]
    HeadTooLong,
    #[error("more than {HEADERS_MAX} headers")]
    TooManyHeaders,
    #[error(
        "the first line must be like `POST /hooks/deploy HTTP/1.1`, with blanks and the like percent-encoded in the address"
    )]
    RequestLine,
    #[error("a header line is not of the form `Name: value`")]
    HeaderLine,
    #[error(
        "line {line} is not of the form `Name: value`: a header stands on one line, and an empty line ends them"
    )]
    HeaderLineAt { line: usize },
    #[error("`{header}: {value}` is not understood")]
    OwnHeader { header: &'static str, value: String },
    #[error("`Content-Length: {value}` is no length, or there are several")]
    Length { value: String },
    #[error(
        "`Content-Length` announces {announced} bytes of body, and {present} follow: the capture was cut short, or \
         its body was changed; correct the header or remove it"
    )]
    CutShort { announced: usize, present: usize },
}

/// Reads a message. Its lines end with LF or CRLF; without a `Content-Length` the body is all that follows.
pub(crate) fn read(message: Bytes) -> Result<Capture, CaptureError> {
    let mut storage = vec![httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Request::new(&mut storage);
    let parsed = head.parse(&message).map_err(|error| match error {
        httparse::Error::TooManyHeaders => CaptureError::TooManyHeaders,
        httparse::Error::HeaderName | httparse::Error::HeaderValue => bad_header_line(&message),
        httparse::Error::NewLine
        | httparse::Error::Status
        | httparse::Error::Token
        | httparse::Error::Version => CaptureError::RequestLine,
    })?;
    let head_bytes = match parsed {
        httparse::Status::Complete(head_bytes) => head_bytes,
        httparse::Status::Partial if message.len() > HEAD_BYTES_MAX => return Err(CaptureError::HeadTooLong),
        httparse::Status::Partial => return Err(CaptureError::HeadIncomplete),
    };
    if head_bytes > HEAD_BYTES_MAX {
        return Err(CaptureError::HeadTooLong);
    }
    let method = head.method.and_then(|method| method.parse().ok()).ok_or(CaptureError::RequestLine)?;
    let target = head.path.and_then(|path| path.parse::<Uri>().ok());
    // One that names a host alone, as for CONNECT, has no path.
    let target = target.filter(|target| !target.path().is_empty()).ok_or(CaptureError::RequestLine)?;
    let (own, headers) = own_headers(head.headers);
    let peer = own.peer.map(|text| peer(text).ok_or_else(|| misunderstood(PEER, text))).transpose()?;
    let received = |text: &[u8]| parse_ms(text, Unit::Rfc3339).ok_or_else(|| misunderstood(RECEIVED, text));
    let received_unix_ms = own.received.map(received).transpose()?;
    let headers = header_map(headers)?;
    let (body, excess_bytes) = body(&headers, message.slice(head_bytes..))?;
    Ok(Capture {
        method,
        path: target.path().to_owned(),
        query: target.query().map(str::to_owned),
        headers,
        body,
        excess_bytes,
        peer,
        received_unix_ms,
    })
}

/// The message that [`read`] reads as `request`.
pub(crate) fn write(request: &Request, received_unix_ms: i64) -> Vec<u8> {
    let Request { id: _, peer, method, path, query, headers, body } = request;
    let query = query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
    let received = rfc3339_ms(received_unix_ms);
    let first = format!("{method} {path}{query} HTTP/1.1\r\n{PEER}: {peer}\r\n{RECEIVED}: {received}\r\n");
    let mut message = first.into_bytes();
    for (name, value) in headers {
        message.extend_from_slice(name.as_str().as_bytes());
        message.extend_from_slice(b": ");
        message.extend_from_slice(value.as_bytes());
        message.extend_from_slice(b"\r\n");
    }
    message.extend_from_slice(b"\r\n");
    if is_chunked(headers) {
        if !body.is_empty() {
            message.extend_from_slice(format!("{:x}\r\n", body.len()).as_bytes());
            message.extend_from_slice(body);
            message.extend_from_slice(b"\r\n");
        }
        message.extend_from_slice(b"0\r\n\r\n");
    } else {
        message.extend_from_slice(body);
    }
    message
}

/// A peer as it displays itself: `IP`, `IP:PORT`, `@` for a Unix socket, `unknown`.
pub(crate) fn peer(text: &[u8]) -> Option<Peer> {
    let text = str::from_utf8(text).ok()?;
    let special = [Peer::Unix, Peer::Unclear].into_iter().find(|peer| peer.to_string() == text);
    let address = || text.parse::<IpAddr>().ok().map(Peer::Address);
    special.or_else(address).or_else(|| text.parse::<SocketAddr>().ok().map(Peer::Tcp))
}

/// `2026-01-01T12:00:00.123Z`.
pub(crate) fn rfc3339_ms(unix_ms: i64) -> String {
    let seconds = format_ms(unix_ms, Unit::Rfc3339);
    format!("{}.{:03}Z", seconds.trim_end_matches('Z'), unix_ms.rem_euclid(1_000))
}

#[derive(Default)]
struct OwnHeaders<'h> {
    peer: Option<&'h [u8]>,
    received: Option<&'h [u8]>,
}

/// Our own headers, which come first, and the message's.
fn own_headers<'h>(headers: &'h [httparse::Header<'h>]) -> (OwnHeaders<'h>, &'h [httparse::Header<'h>]) {
    let mut own = OwnHeaders::default();
    let mut rest = headers;
    while let Some((header, further)) = rest.split_first() {
        let place = match header.name {
            name if name.eq_ignore_ascii_case(PEER) => &mut own.peer,
            name if name.eq_ignore_ascii_case(RECEIVED) => &mut own.received,
            _ => break,
        };
        if place.is_some() {
            break;
        }
        *place = Some(header.value);
        rest = further;
    }
    (own, rest)
}

/// The first line after the first that is no header.
fn bad_header_line(message: &[u8]) -> CaptureError {
    let lines = message.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let is_header = |line: &[u8]| {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        name.len() < line.len() && HeaderName::from_bytes(name).is_ok()
    };
    let start = lines.clone().take_while(|line| line.is_empty()).count();
    let mut head = lines.enumerate().skip(start + 1).take_while(|(_, line)| !line.is_empty());
    match head.find(|(_, line)| !is_header(line)) {
        Some((index, _)) => CaptureError::HeaderLineAt { line: index + 1 },
        None => CaptureError::HeaderLine,
    }
}

fn misunderstood(header: &'static str, value: &[u8]) -> CaptureError {
    CaptureError::OwnHeader { header, value: String::from_utf8_lossy(value).into_owned() }
}

fn header_map(headers: &[httparse::Header<'_>]) -> Result<HeaderMap, CaptureError> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for header in headers {
        let name = HeaderName::from_bytes(header.name.as_bytes());
        let value = HeaderValue::from_bytes(header.value);
        match (name, value) {
            (Ok(name), Ok(value)) => drop(map.append(name, value)),
            _ => return Err(CaptureError::HeaderLine),
        }
    }
    Ok(map)
}

/// The body in what follows the head, and how many bytes follow the body.
fn body(headers: &HeaderMap, rest: Bytes) -> Result<(Bytes, usize), CaptureError> {
    if is_chunked(headers) {
        // Many tools write the header down and the body decoded.
        return Ok(decode_chunks(&rest).unwrap_or((rest, 0)));
    }
    // Twice the same is once, as for the server.
    let mut lengths =
        headers.get_all(CONTENT_LENGTH).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let Some(length) = lengths.next() else { return Ok((rest, 0)) };
    let number = |text: &[u8]| str::from_utf8(text.trim_ascii()).ok()?.parse::<usize>().ok();
    let announced = number(length).filter(|first| lengths.all(|other| number(other) == Some(*first)));
    let present = rest.len();
    match announced {
        None => Err(CaptureError::Length { value: String::from_utf8_lossy(length).trim().to_owned() }),
        Some(announced) if announced > present => Err(CaptureError::CutShort { announced, present }),
        Some(announced) => Ok((rest.slice(..announced), present - announced)),
    }
}

fn is_chunked(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(TRANSFER_ENCODING).iter().next_back().map(HeaderValue::as_bytes);
    let last = codings.and_then(|codings| codings.rsplit(|byte| *byte == b',').next());
    last.is_some_and(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"chunked"))
}

/// `None` when it is not a whole chunked body (RFC 9112, section 7.1). Trailers are dropped.
fn decode_chunks(encoded: &[u8]) -> Option<(Bytes, usize)> {
    let mut body = Vec::new();
    let mut rest = encoded;
    loop {
        let (size, after) = line(rest)?;
        let size = size.split(|byte| *byte == b';').next()?.trim_ascii();
        let size = usize::from_str_radix(str::from_utf8(size).ok()?, 16).ok()?;
        if size == 0 {
            rest = after;
            break;
        }
        body.extend_from_slice(after.get(..size)?);
        let (end, after) = line(after.get(size..)?)?;
        if !end.is_empty() {
            return None;
        }
        rest = after;
    }
    loop {
        let (trailer, after) = line(rest)?;
        rest = after;
        if trailer.is_empty() {
            return Some((body.into(), rest.len()));
        }
    }
}

/// The line up to its LF or CRLF, and what follows.
fn line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| *byte == b'\n')?;
    let (line, rest) = (text.get(..end)?, text.get(end + 1..)?);
    Some((line.strip_suffix(b"\r").unwrap_or(line), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(message: &str) -> Result<Capture, CaptureError> {
        read(Bytes::copy_from_slice(message.as_bytes()))
    }

    #[test]
    fn messages_are_read_as_a_server_reads_them() {
        #[track_caller]
        fn check(message: &str, target: (&str, Option<&str>), body: &str, excess_bytes: usize) {
            let capture = parsed(message).unwrap();
            assert_eq!((capture.path.as_str(), capture.query.as_deref()), target, "{message:?}");
            assert_eq!(capture.body, body.as_bytes(), "{message:?}");
            assert_eq!(capture.excess_bytes, excess_bytes, "{message:?}");
        }
        check("POST /hooks/a HTTP/1.1\r\nHost: x\r\n\r\nbody\n", ("/hooks/a", None), "body\n", 0);
        check("POST /hooks/a?b=%20 HTTP/1.1\nHost: x\n\nbody", ("/hooks/a", Some("b=%20")), "body", 0);
        check("GET http://x/hooks/a? HTTP/1.0\n\n", ("/hooks/a", Some("")), "", 0);
        check("POST /a HTTP/1.1\nContent-Length: 4\n\nbody\n", ("/a", None), "body", 1);
        check("POST /a HTTP/1.1\nContent-Length: 0\n\n", ("/a", None), "", 0);
        check("POST /a HTTP/1.1\nContent-Length: 4, 4\nContent-Length: 4\n\nbody", ("/a", None), "body", 0);
        check(
            "POST /a HTTP/1.1\nTransfer-Encoding: gzip, chunked\n\n1\r\nx\r\n0\r\n\r\n",
            ("/a", None),
            "x",
            0,
        );
        let chunked = "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        check(&format!("{chunked}4;x=y\r\nbo\r\n\r\n1\r\nd\r\n0\r\n\r\n"), ("/a", None), "bo\r\nd", 0);
        check(&format!("{chunked}0\r\nTrailer: x\r\n\r\n??"), ("/a", None), "", 2);
        check(&format!("{chunked}{{\"a\": 1}}"), ("/a", None), "{\"a\": 1}", 0);
    }

    #[test]
    fn what_is_no_message_is_said_to_be_none() {
        #[track_caller]
        fn check(message: &str, expected: &str) {
            let error = parsed(message).unwrap_err().to_string();
            assert!(error.contains(expected), "{message:?}: {error}");
        }
        check("", "ends before the empty line");
        check("POST /a HTTP/1.1\nHost: x\n", "ends before the empty line");
        check("{\"ref\": \"main\"}", "the first line must be like");
        check("POST /a HTTP/2\n\n", "the first line must be like");
        check("CONNECT example.com:80 HTTP/1.1\n\n", "the first line must be like");
        check("POST /a HTTP/1.1\nno header\n\n", "line 2 is not of the form");
        check("POST /a HTTP/1.1\nA: b\n c\n\n", "line 3 is not of the form");
        check("POST /a HTTP/1.1\nA : b\n\n", "line 2 is not of the form");
        check("POST /a?b=<c> HTTP/1.1\n\n", "percent-encoded");
        check("POST /a HTTP/1.1\nContent-Length: 4\nContent-Length: 5\n\nbody", "is no length");
        check("POST /a HTTP/1.1\nContent-Length: ten\n\n", "`Content-Length: ten` is no length");
        check("POST /a HTTP/1.1\nContent-Length: 10\n\nbody", "announces 10 bytes of body, and 4 follow");
        check("POST /a HTTP/1.1\nX-Hookrunner-Peer: me\n\n", "`X-Hookrunner-Peer: me` is not understood");
        check(
            &format!("POST /a HTTP/1.1\n{}\n", "A: b\n".repeat(HEADERS_MAX + 1)),
            "more than 10002 headers",
        );
        check(&format!("POST /a HTTP/1.1\nA: {}\n\n", "b".repeat(HEAD_BYTES_MAX)), "the head is longer than");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut headers = HeaderMap::new();
        headers.append("x-hookrunner-peer", HeaderValue::from_static("forged"));
        headers.append("x-a", HeaderValue::from_static("1"));
        headers.append("x-a", HeaderValue::from_bytes(b"\xe9 two").unwrap());
        for chunked in [false, true] {
            if chunked {
                headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
            }
            for body in ["", "body\r\n\r\n", "4\r\nbody\r\n0\r\n\r\n"] {
                let peer = if chunked { peer(b"[::1]:4711") } else { peer(b"203.0.113.7") };
                let request = Request {
                    id: "1".to_owned(),
                    peer: peer.unwrap(),
                    method: Method::PUT,
                    path: "/hooks/a%20b".to_owned(),
                    query: Some("c=d".to_owned()),
                    headers: headers.clone(),
                    body: Bytes::copy_from_slice(body.as_bytes()),
                };
                let capture = read(write(&request, 1_767_268_800_007).into()).unwrap();
                assert_eq!(capture.peer, Some(request.peer));
                assert_eq!(capture.received_unix_ms, Some(1_767_268_800_007));
                assert_eq!((capture.method, capture.path), (request.method, request.path));
                assert_eq!((capture.query, capture.headers), (request.query, request.headers));
                assert_eq!((capture.body, capture.excess_bytes), (request.body, 0));
            }
        }
    }
}
