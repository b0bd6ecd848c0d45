//! What the fuzz targets in `fuzz/` call: texts from strangers, into the code that reads them first.
//! Whatever they are, nothing may panic, and nothing may pass. `cargo test` calls it with the seeds.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use bytes::Bytes;
use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use tempfile::NamedTempFile;

use crate::capture::{self, Capture};
use crate::check;
use crate::explain::{Explained, explain};
use crate::forwarded::TrustedProxies;
use crate::hook::HookTable;
use crate::hooks_file::{HooksFiles, Reading};
use crate::lookup::lookup;
use crate::payload::{self, Payload, Reading as BodyReading, Wanted};
use crate::request::{Peer, Request};
use crate::respond::GlobalHeaders;
use crate::route::Routing;
use crate::run;
use crate::secret::Secret;
use crate::sender::{self, KeyEncoding, Message, Options, RawSpec, Source, Spec, Verifier};

/// 2025-01-01T00:00:00Z.
const NOW_MS: i64 = 1_735_689_600_000;
/// For the target [`request`]: hooks that anybody may start, and those whose id begins with [`SIGNED`].
const HOOKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/hooks.yaml");
const SIGNED: &str = "signed";
/// What signs for those.
const SECRET: &str = "fuzzers-do-not-know-this";

/// The sender's name, a newline, and the value of its signature's header.
pub fn signature_header(data: &[u8]) {
    let mut halves = data.splitn(2, |byte| *byte == b'\n');
    let name = halves.next().and_then(|name| str::from_utf8(name).ok()).unwrap_or_default();
    let Some(row) = sender::find(name) else { return };
    let (Some(Source::Header(field)), Some(verifier)) = (&row.spec.signature, verifier(&row.spec)) else {
        return;
    };
    let request = request_with(&field.name, halves.next().unwrap_or_default(), b"{}");
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
    let request = request_with(&signature, &[b'0'; 64], halves.next().unwrap_or_default());
    assert!(verifier.verify(&request, NOW_MS).is_err(), "{template} took a forged signature");
    let _ = verifier.fingerprint(&request);
}

/// A content type, a newline, and a body.
pub fn payload(data: &[u8]) {
    const NAMES: [&str; 6] = ["a", "a.b", "list.0.name", "list.*.name", "0", "1.0"];
    let mut halves = data.splitn(2, |byte| *byte == b'\n');
    let content_type = halves.next().unwrap_or_default();
    let request = request_with(&CONTENT_TYPE, content_type, halves.next().unwrap_or_default());
    let [everything, some] = [Wanted::everything(), Wanted::names(NAMES)];
    let uploads = ["file".to_owned()];
    let read = |wanted| {
        let reading = BodyReading { content_type: None, wanted, json_parts: &["json"], uploads: &uploads };
        payload::parse(&request, reading)
    };
    match (read(&everything), read(&some)) {
        (Ok(whole), Ok(part)) => same_for(&NAMES, &whole, &part),
        (Err(whole), Err(part)) => assert_eq!(whole.to_string(), part.to_string()),
        differ => panic!("{differ:?}"),
    }
}

fn same_for(names: &[&str], whole: &Payload<'_>, part: &Payload<'_>) {
    assert_eq!(whole.problem, part.problem);
    assert_eq!(whole.uploads, part.uploads);
    match (&whole.fields, &part.fields) {
        (Some(whole), Some(part)) => {
            for name in names {
                assert_eq!(lookup(whole, name), lookup(part, name), "{name}");
            }
        }
        (whole, part) => assert_eq!(whole.is_some(), part.is_some()),
    }
}

/// A request as `-save-requests` writes it, for the hooks of `fuzz/hooks.yaml`.
pub fn request(message: &[u8]) {
    static TABLE: OnceLock<HookTable> = OnceLock::new();
    // Fuzzers that see what is compared with find it out.
    let is_known = message.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
    let (false, Ok(capture)) = (is_known, capture::read(Bytes::copy_from_slice(message))) else { return };
    let Capture { method, path, query, headers, body, peer, .. } = capture;
    let proxies = TrustedProxies::parse("10.0.0.0/8,::1,unix").unwrap_or_else(|error| panic!("{error}"));
    let peer = proxies.client(peer.unwrap_or(Peer::Unix), &headers);
    let request = Request { id: "fuzz".to_owned(), peer, method, path, query, headers, body };
    is_read_as_written(&request);
    let table = TABLE.get_or_init(|| {
        let (table, problems) = HooksFiles::new(vec![PathBuf::from(HOOKS)], Reading::default()).load();
        assert!(
            !table.is_empty() && problems.iter().all(|problem| !problem.effect().is_error()),
            "{problems:?}"
        );
        table
    });
    let server = Explained {
        routing: Routing::new("hooks", ""),
        global_headers: GlobalHeaders::default(),
        body_bytes_max: usize::MAX,
        surroundings: run::Surroundings::default(),
        table,
        hook: None,
    };
    let report = explain(&server, &request, NOW_MS);
    let text = report.text(&request, NOW_MS);
    assert!(!text.contains(SECRET) && !report.json().is_ok_and(|json| json.contains(SECRET)), "{text}");
    let is_signed = report.hook.as_ref().is_some_and(|hook| hook.starts_with(SIGNED));
    assert!(!(is_signed && report.is_run()), "{text}");
}

fn is_read_as_written(request: &Request) {
    let written = capture::write(request, NOW_MS);
    let Capture { method, path, query, headers, body, excess_bytes, peer, received_unix_ms } =
        capture::read(written.into()).unwrap_or_else(|error| panic!("{error}: {request:?}"));
    assert_eq!((&method, &path, &query), (&request.method, &request.path, &request.query));
    assert_eq!((&headers, &body), (&request.headers, &request.body));
    assert_eq!((excess_bytes, peer, received_unix_ms), (0, Some(request.peer), Some(NOW_MS)));
}

/// A hooks file, as it is and as a template.
pub fn hooks_file(text: &[u8]) {
    let file = NamedTempFile::new().unwrap_or_else(|error| panic!("{error}"));
    fs::write(file.path(), text).unwrap_or_else(|error| panic!("{error}"));
    for is_template in [false, true] {
        let report = check::report(vec![file.path().to_owned()], is_template);
        assert!(!report.text().is_empty());
        assert!(serde_json::from_str::<serde_json::Value>(&report.json()).is_ok());
    }
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
fn request_with(name: &HeaderName, value: &[u8], body: &[u8]) -> Request {
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The seeds, and what fuzzing has found, which becomes a seed.
    #[track_caller]
    fn check(target: &str, run: fn(&[u8])) {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
        let mut count = 0;
        for seed in fs::read_dir(seeds).unwrap() {
            run(&fs::read(seed.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count > 0);
    }

    #[test]
    fn every_seed_holds() {
        check("signature_header", signature_header);
        check("message_template", message_template);
        check("payload", payload);
        check("request", request);
        check("hooks_file", hooks_file);
    }
}
