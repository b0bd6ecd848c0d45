//! The engine against recorded requests, the contract's rules, and its own signatures.

mod changes;
mod encrypted_echo;
mod handshakes;
mod records;
mod round_trip;
mod rules;
mod rules_beyond;
mod vectors;

use std::collections::BTreeMap;

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Method};
use serde_json::Value;

use super::{Options, RawSpec, Spec, Verifier, find};
use crate::request::{Peer, Request};
use crate::secret::Secret;

/// 2025-01-01T00:00:00Z.
const NOW_MS: i64 = 1_735_689_600_000;

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes()).unwrap()
}

fn secrets(texts: &[&str]) -> Options {
    Options { secrets: texts.iter().map(|text| secret(text)).collect(), ..Options::default() }
}

fn spec(sender: &str) -> Spec {
    find(sender).unwrap_or_else(|| panic!("no sender `{sender}`")).spec.clone()
}

fn verifier(sender: &str, options: Options) -> Verifier {
    Verifier::new(spec(sender), options).unwrap_or_else(|error| panic!("{sender}: {error}"))
}

/// A record written inline.
fn raw(fields: &[(&str, &str)]) -> RawSpec {
    let mut raw = RawSpec::default();
    for (key, value) in fields {
        *raw.field_mut(key).unwrap_or_else(|| panic!("no key `{key}`")) = Some((*value).to_owned());
    }
    raw
}

fn request(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Request {
    let (_, rest) = url.split_once("://").unwrap();
    let target = rest.find(['/', '?']).map_or("/", |at| &rest[at..]);
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (target, None),
    };
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    Request {
        id: "test".into(),
        peer: Peer::Unix,
        method: Method::from_bytes(method.as_bytes()).unwrap(),
        path: path.into(),
        query,
        headers: map,
        body: Bytes::copy_from_slice(body),
    }
}

fn post(headers: &[(&str, &str)], body: &str) -> Request {
    request("POST", "https://hooks.example.com/h/1", headers, body.as_bytes())
}

/// A file of recorded cases.
fn cases(text: &str) -> Vec<BTreeMap<String, Value>> {
    serde_json::from_str(text).unwrap()
}

fn headers(case: &BTreeMap<String, Value>) -> Vec<(&str, &str)> {
    let Some(Value::Object(headers)) = case.get("headers") else {
        return Vec::new();
    };
    headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect()
}

/// The hex HMAC-SHA256 of a body.
fn hmac(key: &str, text: &str) -> String {
    use ::hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

fn github(body: &str, signature: &str) -> Request {
    post(&[("X-Hub-Signature-256", signature)], body)
}
