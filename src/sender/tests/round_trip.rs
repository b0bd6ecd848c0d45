//! What `sign` makes, `verify` takes, for every row whose key a user can hold.

use super::*;
use crate::sender::sign::Signed;
use crate::sender::source::Source;
use crate::sender::spec::TimestampPlace;
use crate::sender::words::{Algorithm, Encoding, KeyEncoding};
use crate::sender::{Draft, Row, SignError, Signer, table};

const SEED: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const PUBLIC: &str = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";
const URL: &str = "https://hooks.example.com/h/1?a=1";

/// They sign a token, a name or a time, whatever the body is.
const BODY_UNSIGNED: &[&str] = &[
    "alertmanager",
    "alertmanager-basic",
    "auth0",
    "azure-devops",
    "buildkite-token",
    "chargebee",
    "cloudflare",
    "codeup",
    "dingtalk",
    "figma",
    "flutterwave",
    "gitee",
    "gitee-password",
    "gitlab",
    "harbor",
    "jfrog-token",
    "mailgun",
    "mattermost",
    "okta",
    "postmark",
    "rubygems",
    "supabase-db",
    "telegram",
    "travis-legacy",
    "wecom",
];

/// Nothing to sign, or a key that only the sender has.
const UNSIGNABLE: &[&str] = &["dockerhub", "kick", "paypal", "quay", "sendgrid", "travis"];

/// What the sender holds and what the receiver holds.
pub(super) fn keys(spec: &Spec) -> (String, String) {
    let shared = match spec.key_encoding {
        KeyEncoding::Hex => "5aa5c33c0ff0".into(),
        KeyEncoding::Base64 => "c2VjcmV0LWtleQ==".into(),
        KeyEncoding::Whsec => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into(),
        _ if spec.algorithm == Algorithm::Basic => "user:s3cr3t".into(),
        _ => String::from("s3cr3t-key"),
    };
    match (spec.algorithm, spec.key_encoding) {
        (Algorithm::Ed25519, KeyEncoding::Whpk) => {
            (SEED.into(), format!("whpk_{}", Encoding::Base64.encode(&hex::decode(PUBLIC).unwrap())))
        }
        (Algorithm::Ed25519, _) => (SEED.into(), PUBLIC.into()),
        _ => (shared.clone(), shared),
    }
}

pub(super) fn signable() -> Vec<&'static Row> {
    table().iter().filter(|row| !UNSIGNABLE.contains(&row.name.as_str())).collect()
}

/// A body that the sender could send.
fn body(spec: &Spec) -> &'static str {
    let in_form = |source: &Option<Source>| matches!(source, Some(Source::Form { .. }));
    if spec.message.to_string().contains("{form_sorted}") || in_form(&spec.signature) {
        "CallSid=CA1234&Digits=1234&From=anna"
    } else {
        r#"{"id":"evt_1","type":"push","n":1}"#
    }
}

pub(super) fn sign(row: &Row, now_ms: i64) -> Signed {
    let (private, _) = keys(&row.spec);
    let signer = Signer::new(row.spec.clone(), secret(&private), None).unwrap();
    let draft = Draft {
        method: Method::POST,
        url: URL.into(),
        headers: vec![("X-Custom".into(), "1".into())],
        body: body(&row.spec).into(),
        event: Some("push".into()),
        delivery_id: "0b7c-42".into(),
        now_ms,
    };
    signer.sign(draft).unwrap_or_else(|error| panic!("{}: {error}", row.name))
}

pub(super) fn received(signed: &Signed) -> Request {
    let headers: Vec<(&str, &str)> = signed.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    request("POST", &signed.url, &headers, &signed.body)
}

pub(super) fn options(key: &str) -> Options {
    Options { public_url: Some("https://hooks.example.com/h/1".into()), ..secrets(&[key]) }
}

pub(super) fn receiver(row: &Row) -> Verifier {
    verifier(&row.name, options(&keys(&row.spec).1))
}

pub(super) fn passes(row: &Row, signed: &Signed) -> bool {
    receiver(row).verify(&received(signed), NOW_MS).is_ok()
}

#[test]
fn what_is_signed_verifies() {
    assert_eq!(signable().len(), table().len() - UNSIGNABLE.len());
    for row in signable() {
        let signed = sign(row, NOW_MS);
        let verdict = receiver(row).verify(&received(&signed), NOW_MS);
        assert!(verdict.is_ok(), "{}: {verdict:?} {signed:?}", row.name);
        let verified = verdict.unwrap();
        assert_eq!(verified.secret_position, Some(0));
        let labels = receiver(row).labels(&received(&signed));
        if let Some(Source::Header(_)) = row.spec.delivery_id {
            assert_eq!(labels.delivery_id.as_deref(), Some("0b7c-42"), "{}", row.name);
        }
        if let Some(Source::Header(_)) = row.spec.event {
            assert_eq!(labels.event.as_deref(), Some("push"), "{}", row.name);
        }
        let print = receiver(row).fingerprint(&received(&signed));
        assert_eq!(print.is_some(), row.spec.signature_is_fresh(), "{}", row.name);
    }
}

#[test]
fn twilio_json_is_signed_by_its_hash() {
    let row = find("twilio").unwrap();
    let signer = Signer::new(row.spec.clone(), secret("s3cr3t-key"), None).unwrap();
    let draft = Draft {
        method: Method::POST,
        url: URL.into(),
        headers: Vec::new(),
        body: br#"{"a":1}"#.to_vec(),
        event: None,
        delivery_id: "1".into(),
        now_ms: NOW_MS,
    };
    let mut signed = signer.sign(draft).unwrap();
    assert!(signed.url.contains("&bodySHA256="));
    assert!(passes(row, &signed));
    signed.body.push(b' ');
    assert!(!passes(row, &signed));
}

#[test]
fn what_cannot_be_signed_says_why() {
    for name in UNSIGNABLE {
        let spec = spec(name);
        if spec.needs_secret() {
            let error = Signer::new(spec.clone(), secret("x"), None).err().unwrap();
            assert_eq!(error, SignError::PrivateKey(spec.algorithm));
        } else {
            assert!(Signer::unsigned(spec).is_some());
        }
    }
    let error = Signer::new(spec("discord"), secret("00"), None).err().unwrap();
    assert_eq!(error, SignError::NotEd25519);
    assert!(Signer::unsigned(spec("github")).is_none());
}

#[test]
fn an_ed25519_key_has_three_forms() {
    let seed = hex::decode(SEED).unwrap();
    let both = [seed.clone(), hex::decode(PUBLIC).unwrap()].concat();
    // PKCS#8, version 1: the seed after a head that is always the same.
    let pkcs8 = [hex::decode("302e020100300506032b657004220420").unwrap(), seed].concat();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        Encoding::Base64.encode(&pkcs8)
    );
    for key in [format!("whsk_{}", Encoding::Base64.encode(&both)), pem] {
        assert!(Signer::new(spec("discord"), secret(&key), None).is_ok());
    }
}

#[test]
fn a_timestamp_outside_the_window_fails_in_both_directions() {
    let mut checked = 0;
    for row in signable() {
        let Some(timestamp) = &row.spec.timestamp else {
            continue;
        };
        if timestamp.tolerance.is_zero() {
            assert_eq!(row.name, "sanity");
            continue;
        }
        let tolerance_ms = i64::try_from(timestamp.tolerance.as_millis()).unwrap();
        assert!(passes(row, &sign(row, NOW_MS - tolerance_ms)), "{}", row.name);
        assert!(passes(row, &sign(row, NOW_MS + tolerance_ms)), "{}", row.name);
        assert!(!passes(row, &sign(row, NOW_MS - tolerance_ms - 1000)), "{}", row.name);
        assert!(!passes(row, &sign(row, NOW_MS + tolerance_ms + 1000)), "{}", row.name);
        checked += 1;
    }
    assert!(checked > 30, "{checked}");
}

#[test]
fn a_header_twice_fails() {
    for row in signable() {
        let mut sources: Vec<&Source> = row.spec.signature.iter().collect();
        if let Some(timestamp) = &row.spec.timestamp
            && let TimestampPlace::At(source) = &timestamp.place
        {
            sources.push(source);
        }
        for source in sources {
            let mut signed = sign(row, NOW_MS);
            match source {
                Source::Header(field) => {
                    let known = |(name, _): &&(String, String)| name.eq_ignore_ascii_case(&field.text);
                    let header = signed.headers.iter().find(known).unwrap().clone();
                    signed.headers.push(header);
                }
                Source::Query(name) => {
                    let query = signed.url.split_once('?').unwrap().1.to_owned();
                    let pair = query.split('&').find(|pair| pair.starts_with(&format!("{name}="))).unwrap();
                    signed.url = format!("{}&{pair}", signed.url);
                }
                Source::Form { field, .. } => {
                    signed.body.extend_from_slice(format!("&{field}=s3cr3t-key").as_bytes());
                }
                // An object has one value per name, whichever of two the parser keeps.
                Source::Json(_) => continue,
            }
            assert!(!passes(row, &signed), "{}: {source}", row.name);
        }
        if row.spec.algorithm == Algorithm::Basic {
            let mut signed = sign(row, NOW_MS);
            signed.headers.push(("authorization".into(), "Basic dXNlcjpzM2NyM3Q=".into()));
            assert!(!passes(row, &signed), "{}", row.name);
        }
    }
}

#[test]
fn rows_that_do_not_sign_the_body_are_known() {
    let unsigned: Vec<&str> =
        signable().iter().filter(|row| !row.spec.signs_body()).map(|row| row.name.as_str()).collect();
    let mut named = BODY_UNSIGNED.to_vec();
    let mut unsigned_sorted = unsigned;
    named.sort_unstable();
    unsigned_sorted.sort_unstable();
    assert_eq!(unsigned_sorted, named);
}
