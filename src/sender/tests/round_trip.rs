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
        // Without padding: a zero byte at the end of a key is the same key to HMAC.
        KeyEncoding::Base64 => "c2VjcmV0LWtleXMx".into(),
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
    table().into_iter().filter(|row| !UNSIGNABLE.contains(&row.name.as_str())).collect()
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
    let mut draft = Draft {
        method: Method::POST,
        url: URL.into(),
        headers: vec![("X-Custom".into(), "1".into())],
        body: body(&row.spec).into(),
        delivery_id: "0b7c-42".into(),
        now_ms,
    };
    if let Some(place @ Source::Header(_)) = &row.spec.event {
        Signer::label(place, "push", &mut draft).unwrap();
    }
    signer.sign(draft).unwrap_or_else(|error| panic!("{}: {error}", row.name))
}

pub(super) fn received(signed: &Signed) -> Request {
    let headers: Vec<(&str, &str)> = signed.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    request("POST", &signed.url, &headers, &signed.body)
}

pub(super) fn options(key: &str) -> Options {
    let public_url = Some("https://hooks.example.com/h/1".into());
    Options { public_url, ..secrets(&[key]) }
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

/// Where a second value could stand beside the one that counts.
#[derive(Debug, Clone)]
pub(super) enum Twin {
    Of(Source),
    /// A second item of the signature's list that is its timestamp.
    Item {
        header: String,
        start: String,
    },
}

/// Every place of a row that must be there once. Not in JSON: an object has one value per name, whichever of
/// two the parser keeps.
pub(super) fn twins(row: &Row) -> Vec<Twin> {
    let Spec { signature, timestamp, message, .. } = &row.spec;
    let mut twins: Vec<Twin> = signature.iter().chain(message.sources()).cloned().map(Twin::Of).collect();
    match timestamp.as_ref().map(|timestamp| &timestamp.place) {
        Some(TimestampPlace::At(source)) => twins.push(Twin::Of(source.clone())),
        Some(TimestampPlace::Item(start)) => {
            let Some(Source::Header(field)) = signature else { panic!("{}: a list in a header", row.name) };
            twins.push(Twin::Item { header: field.text.clone(), start: start.clone() });
        }
        None => {}
    }
    if row.spec.algorithm == Algorithm::Basic {
        twins.push(Twin::Of(Source::parse("header:Authorization").unwrap()));
    }
    twins.retain(|twin| !matches!(twin, Twin::Of(Source::Json(_))));
    twins
}

/// A second value beside the right one, which is copied when there is no `other`.
pub(super) fn doubled(mut signed: Signed, twin: &Twin, other: Option<&str>, is_first: bool) -> Signed {
    let beside = |pairs: &str, name: &str| {
        let is_it = |pair: &&str| pair.split('=').next() == Some(name);
        let own = pairs.split('&').find(is_it).unwrap_or_else(|| panic!("no `{name}` in `{pairs}`"));
        let twin = other.map_or_else(|| own.to_owned(), |other| format!("{name}={other}"));
        if is_first { format!("{twin}&{pairs}") } else { format!("{pairs}&{twin}") }
    };
    let place_of = |headers: &[(String, String)], text: &str| {
        headers.iter().position(|(name, _)| name.eq_ignore_ascii_case(text)).unwrap()
    };
    match twin {
        Twin::Of(Source::Header(field)) => {
            let at = place_of(&signed.headers, &field.text);
            let value = other.unwrap_or(&signed.headers[at].1).to_owned();
            signed.headers.insert(if is_first { at } else { at + 1 }, (field.text.clone(), value));
        }
        Twin::Of(Source::Query(name)) => {
            let (base, query) = signed.url.split_once('?').unwrap();
            signed.url = format!("{base}?{}", beside(query, name));
        }
        Twin::Of(Source::Form { field, .. }) => {
            signed.body = beside(str::from_utf8(&signed.body).unwrap(), field).into_bytes();
        }
        Twin::Of(Source::Json(pointer)) => panic!("{pointer} is in JSON"),
        Twin::Item { header, start } => {
            let at = place_of(&signed.headers, header);
            let list = &signed.headers[at].1;
            let separator = if list.contains(';') { ';' } else { ',' };
            let own = list.split(separator).find(|item| item.starts_with(start.as_str())).unwrap();
            let twin = other.map_or_else(|| own.to_owned(), |other| format!("{start}{other}"));
            let (one, two) = if is_first { (&twin, list) } else { (list, &twin) };
            signed.headers[at].1 = format!("{one}{separator}{two}");
        }
    }
    signed
}

#[test]
fn what_is_there_twice_fails() {
    for row in signable() {
        let twins = twins(row);
        assert!(
            !twins.is_empty() || row.spec.signature.as_ref().is_some_and(Source::is_in_body),
            "{}",
            row.name
        );
        for twin in twins {
            for is_first in [false, true] {
                assert!(
                    !passes(row, &doubled(sign(row, NOW_MS), &twin, None, is_first)),
                    "{}: {twin:?}",
                    row.name
                );
            }
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
