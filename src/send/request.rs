//! One delivery as it goes over the wire.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, Request, Uri};

use super::target::Target;

/// What the length of the body and the life of the connection hang on.
const OWN_HEADERS: [&str; 4] = ["content-length", "transfer-encoding", "connection", "expect"];

pub(super) struct Outbound {
    method: Method,
    /// Path and query.
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Outbound {
    pub(super) fn new(
        method: &Method,
        target: &Target,
        query: Option<&str>,
        signed: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> Self {
        let agent = concat!("hookrunner/", env!("CARGO_PKG_VERSION"));
        let usual = [("Host", target.authority()), ("User-Agent", agent), ("Accept", "*/*")];
        let is_absent = |name: &str| !signed.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        let mut headers: Vec<(String, String)> = usual
            .into_iter()
            .filter(|(name, _)| is_absent(name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        headers.extend(signed);
        headers.push(("Content-Length".to_owned(), body.len().to_string()));
        let target = match query {
            Some(query) => format!("{}?{query}", target.path()),
            None => target.path().to_owned(),
        };
        Self { method: method.clone(), target, headers, body }
    }

    pub(super) fn is_own_header(name: &str) -> bool {
        OWN_HEADERS.iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// HTTP/1.1, with the names of headers as the sender spells them.
    pub(super) fn raw(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        [head.as_bytes(), &self.body].concat()
    }

    /// `None`: something is in it that cannot be sent. Signing has refused such headers already.
    pub(super) fn to_request(&self) -> Option<Request<Full<Bytes>>> {
        let mut request = Request::new(Full::new(Bytes::copy_from_slice(&self.body)));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.target.parse::<Uri>().ok()?;
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            request.headers_mut().append(name, HeaderValue::from_str(value).ok()?);
        }
        Some(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_http_1_1() {
        let target = Target::parse("http://localhost:9000/hooks/a?b=c").unwrap();
        let signed = vec![("X-Token".to_owned(), "1".to_owned()), ("user-agent".to_owned(), "me".to_owned())];
        let outbound = Outbound::new(&Method::POST, &target, Some("b=c&d=e"), signed, b"{}".to_vec());
        let expected = "POST /hooks/a?b=c&d=e HTTP/1.1\r\nHost: localhost:9000\r\nAccept: */*\r\nX-Token: 1\r\n\
                        user-agent: me\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(String::from_utf8(outbound.raw()).unwrap(), expected);
        let request = outbound.to_request().unwrap();
        assert_eq!(request.uri(), "/hooks/a?b=c&d=e");
        assert_eq!(request.headers().len(), 5);
    }
}
