//! What the fuzz targets in `fuzz/` call: texts from strangers, into the code that reads them first.
//! Whatever they are, nothing may panic, and nothing may pass.

use bytes::Bytes;
use hyper::Method;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use crate::request::{Peer, Request};
use crate::secret::Secret;
use crate::sender::{self, KeyEncoding, Message, Options, RawSpec, Source, Spec, Verifier};

/// 2025-01-01T00:00:00Z.
const NOW_MS: i64 = 1_735_689_600_000;

/// The sender's name, a newline, and the value of its signature's header.
pub fn signature_header(data: &[u8]) {
    let mut halves = data.splitn(2, |byte| *byte == b'\n');
    let name = halves.next().and_then(|name| str::from_utf8(name).ok()).unwrap_or_default();
    let Some(row) = sender::find(name) else { return };
    let (Some(Source::Header(field)), Some(verifier)) = (&row.spec.signature, verifier(&row.spec)) else {
        return;
    };
    let request = request(&field.name, halves.next().unwrap_or_default(), b"{}");
    assert!(verifier.verify(&request, NOW_MS).is_err(), "{name} took a forged signature");
    let _ = verifier.fingerprint(&request);
    let _ = verifier.labels(&request);
}

/// A template of what is signed, a newline, and a body to fill it from.
pub fn message_template(data: &[u8]) {
    let mut halves = data.splitn(2, |byte| *byte == b'\n');
    let Some(template) = halves.next().and_then(|text| str::from_utf8(text).ok()) else { return };
    let Ok(message) = Message::parse(template) else { return };
    assert_eq!(message.to_string(), template);
    let signature = HeaderName::from_static("x-signature");
    let record = RawSpec {
        signature: Some("header:X-Signature".to_owned()),
        timestamp: Some("header:X-Timestamp".to_owned()),
        message: Some(template.to_owned()),
        ..RawSpec::default()
    };
    let Some(verifier) = Spec::build(None, record).ok().and_then(|spec| verifier(&spec)) else { return };
    let request = request(&signature, &[b'0'; 64], halves.next().unwrap_or_default());
    assert!(verifier.verify(&request, NOW_MS).is_err(), "{template} took a forged signature");
    let _ = verifier.fingerprint(&request);
}

/// `None` for keys that only their senders have.
fn verifier(spec: &Spec) -> Option<Verifier> {
    let secret = match spec.key_encoding {
        KeyEncoding::Hex => "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8",
        KeyEncoding::Whpk => "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=",
        _ => "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    };
    let options = Options {
        secrets: Secret::new(secret.as_bytes()).into_iter().collect(),
        public_url: spec.needs_public_url().then(|| "https://hooks.example.com/h".to_owned()),
        ..Options::default()
    };
    Verifier::new(spec.clone(), options).ok()
}

/// With what any sender may want besides its signature.
fn request(name: &HeaderName, value: &[u8], body: &[u8]) -> Request {
    let mut headers = HeaderMap::new();
    for (known, text) in
        [("x-timestamp", "1735689600"), ("webhook-id", "1"), ("webhook-timestamp", "1735689600")]
    {
        headers.insert(HeaderName::from_static(known), HeaderValue::from_static(text));
    }
    if let Ok(value) = HeaderValue::from_bytes(value) {
        headers.insert(name, value);
    }
    Request {
        id: "fuzz".to_owned(),
        peer: Peer::Unix,
        method: Method::POST,
        path: "/h".to_owned(),
        query: Some("a=1&b=%20".to_owned()),
        headers,
        body: Bytes::copy_from_slice(body),
    }
}
