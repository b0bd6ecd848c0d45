//! Every recorded request, with the verdict that the sender's own documents and libraries give.

use std::time::Duration;

use base64::Engine as _;

use super::*;

const VECTORS: &str = include_str!("../../../tests/data/senders/vectors.json");

struct Vector {
    verifier: Verifier,
    request: Request,
    now_ms: i64,
    valid: bool,
    tampered_by_a_space: bool,
    described: String,
}

fn vectors() -> Vec<Vector> {
    cases(VECTORS).iter().enumerate().map(|(position, case)| vector(position, case)).collect()
}

fn vector(position: usize, case: &BTreeMap<String, Value>) -> Vector {
    let text = |key: &str| case[key].as_str().unwrap();
    let mut overrides = RawSpec::default();
    if let Some(Value::Object(fields)) = case.get("spec_override") {
        for (key, value) in fields {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            *overrides.field_mut(key).unwrap() = Some(text);
        }
    }
    let described = format!("vector {position}: {} {}", text("spec"), text("note"));
    let spec = Spec::build(Some(&find(text("spec")).unwrap().raw), overrides)
        .unwrap_or_else(|error| panic!("{described}: {error}"));
    let texts: Vec<&str> = match case.get("secret") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(texts)) => texts.iter().map(|text| text.as_str().unwrap()).collect(),
        Some(text) => vec![text.as_str().unwrap()],
    };
    let url = text("url");
    let now = case["now"].as_i64();
    let options = Options {
        // No clock: the window is off.
        tolerance: now.is_none().then_some(Duration::ZERO),
        public_url: Some(url.split('?').next().unwrap().to_owned()),
        ..secrets(&texts)
    };
    let body = base64::engine::general_purpose::STANDARD.decode(text("body_base64")).unwrap();
    Vector {
        verifier: Verifier::new(spec, options).unwrap_or_else(|error| panic!("{described}: {error}")),
        request: request(text("method"), url, &headers(case), &body),
        now_ms: now.unwrap_or_default() * 1000,
        valid: text("expect") == "valid",
        tampered_by_a_space: text("note") == "tampered body" && body.ends_with(b" "),
        described,
    }
}

#[test]
fn every_vector_has_its_verdict() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 153);
    for vector in vectors {
        let verdict = vector.verifier.verify(&vector.request, vector.now_ms);
        assert_eq!(verdict.is_ok(), vector.valid, "{}: {verdict:?}", vector.described);
    }
}

/// So that those vectors fail for the reason that they name.
#[test]
fn a_tampered_vector_is_valid_without_the_added_space() {
    let mut count = 0;
    for mut vector in vectors().into_iter().filter(|vector| vector.tampered_by_a_space) {
        let end = vector.request.body.len() - 1;
        vector.request.body.truncate(end);
        let verdict = vector.verifier.verify(&vector.request, vector.now_ms);
        assert!(verdict.is_ok(), "{}: {verdict:?}", vector.described);
        count += 1;
    }
    assert!(count > 20, "{count}");
}

/// SendGrid's own example, of which the vectors have the signature and the key apart.
#[test]
fn sendgrid_signs_with_ecdsa() {
    let sendgrid = vectors().into_iter().filter(|vector| vector.described.contains("sendgrid"));
    let [mut signed, keyed] = sendgrid.collect::<Vec<_>>().try_into().ok().unwrap();
    signed.verifier = keyed.verifier;
    let verdict = signed.verifier.verify(&signed.request, signed.now_ms);
    assert!(verdict.is_ok(), "{verdict:?}");
}

/// A vector's secret must not reach any text that could be logged.
#[test]
fn no_refusal_shows_a_secret_or_a_signature() {
    for vector in vectors().into_iter().filter(|vector| !vector.valid) {
        let Err(refusal) = vector.verifier.verify(&vector.request, vector.now_ms) else {
            continue;
        };
        let texts = [refusal.to_string(), format!("{refusal:?}")];
        let values = vector.request.headers.values().filter_map(|value| value.to_str().ok());
        let secrets =
            vector.verifier.secrets.iter().filter_map(|(secret, _)| str::from_utf8(secret.expose()).ok());
        // Shorter ones are words of our own texts: one vector's secret is `secret`.
        for shown in values.chain(secrets).filter(|value| value.len() > 6) {
            for text in &texts {
                assert!(!text.contains(shown), "{}: {text}", vector.described);
            }
        }
    }
}
