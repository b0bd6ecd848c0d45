//! One changed byte of a signed delivery, anywhere, and it is refused. And nothing that a stranger or a
//! hooks file can write makes the engine panic.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;

use super::round_trip::{doubled, keys, options, passes, received, receiver, sign, signable, twins};
use super::*;
use crate::sender::message::Message;
use crate::sender::outgoing::Outgoing;
use crate::sender::reading::Reading;
use crate::sender::sign::Signed;
use crate::sender::signature::{Shape, items};
use crate::sender::source::{HeaderField, Source};
use crate::sender::spec::TimestampPlace;
use crate::sender::words::{Encoding, KeyEncoding, Scheme, Separator, Unit};
use crate::sender::{Refusal, Row, table};

fn any_row() -> impl Strategy<Value = &'static Row> {
    prop::sample::select(signable())
}

fn any_row_that_signs_the_body() -> impl Strategy<Value = &'static Row> {
    prop::sample::select(signable().into_iter().filter(|row| row.spec.signs_body()).collect::<Vec<_>>())
}

fn any_row_with_a_timestamp() -> impl Strategy<Value = &'static Row> {
    prop::sample::select(
        signable().into_iter().filter(|row| row.spec.timestamp.is_some()).collect::<Vec<_>>(),
    )
}

fn any_row_with_something_once() -> impl Strategy<Value = &'static Row> {
    prop::sample::select(signable().into_iter().filter(|row| !twins(row).is_empty()).collect::<Vec<_>>())
}

/// Another printable character: no space, which HTTP would trim.
fn changed(text: &str, at: Index, by: u8) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let at = at.index(bytes.len());
    bytes[at] = b'!' + (bytes[at].wrapping_sub(b'!').wrapping_add(1 + by % 93)) % 94;
    String::from_utf8(bytes).unwrap()
}

/// The text at `source`, another one, and the delivery with that instead.
fn altered(signed: &Signed, source: &Source, at: Index, by: u8) -> (String, String, Signed) {
    let request = received(signed);
    let old = Reading::new(&request).text(source).unwrap().into_owned();
    let old = String::from_utf8(old).unwrap();
    let new = changed(&old, at, by);
    let Signed { url, headers, body } = signed.clone();
    let mut out = Outgoing::new(url, headers, body);
    out.place(source, &new, false).unwrap();
    (old, new, out.into_signed())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_body_fails(row in any_row_that_signs_the_body(), at: Index, by in 1..=255u8) {
        let mut signed = sign(row, NOW_MS);
        let at = at.index(signed.body.len());
        signed.body[at] ^= by;
        prop_assert!(!passes(row, &signed), "{}", row.name);
    }

    #[test]
    fn a_changed_signature_fails(row in any_row(), at: Index, by: u8) {
        let source = row.spec.signature.clone();
        let source = source.unwrap_or_else(|| Source::Header(HeaderField::authorization()));
        let (old, new, altered) = altered(&sign(row, NOW_MS), &source, at, by);
        // The same bytes in other letters: hex in capitals, and HTTP's own word `Basic`.
        let is_hex = row.spec.encoding == Encoding::Hex
            && !matches!(row.spec.algorithm.scheme(), Scheme::Token | Scheme::Jws);
        prop_assume!(!(is_hex && new.eq_ignore_ascii_case(&old)));
        prop_assert!(!passes(row, &altered), "{}: {altered:?}", row.name);
    }

    #[test]
    fn a_changed_timestamp_fails(row in any_row_with_a_timestamp(), at: Index, by: u8) {
        // As an item it is in the signature's text, which has its own test.
        let TimestampPlace::At(source) = &row.spec.timestamp.as_ref().unwrap().place else { return Ok(()) };
        let (_, _, altered) = altered(&sign(row, NOW_MS), source, at, by);
        prop_assert!(!passes(row, &altered), "{}: {altered:?}", row.name);
    }

    #[test]
    fn a_changed_secret_fails(row in any_row(), at: Index, by: u8) {
        let signed = sign(row, NOW_MS);
        let (_, key) = keys(&row.spec);
        let other = changed(&key, at, by);
        // Hex in capitals is the same key.
        prop_assume!(!(row.spec.key_encoding == KeyEncoding::Hex && other.eq_ignore_ascii_case(&key)));
        if let Ok(verifier) = Verifier::new(row.spec.clone(), options(&other)) {
            prop_assert!(verifier.verify(&received(&signed), NOW_MS).is_err(), "{}", row.name);
        }
    }

    /// The row's own window, or one that the hook sets.
    #[test]
    fn a_timestamp_counts_inside_the_window_alone(
        row in any_row_with_a_timestamp(),
        of_hook_s in prop::option::of(1..=86_400u64),
        inside in -1.0..=1.0f64,
        beyond_ms in 1_000..=1_500_000_000_000i64,
    ) {
        let of_row = row.spec.timestamp.as_ref().unwrap().tolerance;
        let window = of_hook_s.map_or(of_row, Duration::from_secs);
        prop_assume!(!window.is_zero());
        let window_ms = i64::try_from(window.as_millis()).unwrap();
        let tolerance = of_hook_s.map(Duration::from_secs);
        let options = Options { tolerance, ..options(&keys(&row.spec).1) };
        let verifier = verifier(&row.name, options);
        let verify = |at_ms| verifier.verify(&received(&sign(row, at_ms)), NOW_MS);
        let inside_ms = (window_ms as f64 * inside) as i64;
        prop_assert!(verify(NOW_MS + inside_ms).is_ok(), "{}: {inside_ms}", row.name);
        let old = verify(NOW_MS - window_ms - beyond_ms);
        prop_assert!(matches!(old, Err(Refusal::TooOld { .. })), "{}: {old:?}", row.name);
        let new = verify(NOW_MS + window_ms + beyond_ms);
        prop_assert!(matches!(new, Err(Refusal::TooNew { .. })), "{}: {new:?}", row.name);
    }

    /// A copy or another value, before or after the right one.
    #[test]
    fn what_is_there_twice_fails(
        row in any_row_with_something_once(),
        which: Index,
        other in prop::option::of("[0-9a-zA-Z]{1,40}"),
        is_first: bool,
    ) {
        let twins = twins(row);
        let twin = which.get(&twins);
        let signed = doubled(sign(row, NOW_MS), twin, other.as_deref(), is_first);
        let verdict = receiver(row).verify(&received(&signed), NOW_MS);
        prop_assert!(matches!(verdict, Err(Refusal::Repeated { .. })), "{}: {twin:?} {verdict:?}", row.name);
    }

    #[test]
    fn a_message_template_never_panics(text in "(\\{|\\}|[a-z_:,/~#]|body|header:|json:/|sorted:|é){0,24}") {
        if let Ok(message) = Message::parse(&text) {
            prop_assert_eq!(message.to_string(), text);
        }
    }

    #[test]
    fn a_list_of_signatures_never_panics(text: Vec<u8>, separator in 0..4usize, prefix in "[v=1]{0,3}") {
        let shape = Shape {
            separator: Separator::ALL.get(separator).copied(),
            prefix: &prefix,
            timestamp: Some("t="),
        };
        if let Ok(items) = items(&text, shape) {
            prop_assert!(!items.candidates.is_empty());
            for encoding in Encoding::ALL {
                items.candidates.iter().for_each(|item| drop(encoding.decode(item)));
            }
        }
    }

    #[test]
    fn a_strange_request_never_panics(row in any_row(), body: Vec<u8>, query in "[ -~]{0,40}", value in "[ -~]{0,80}") {
        let mut request = received(&sign(row, NOW_MS));
        request.body = body.into();
        request.query = Some(query);
        for (_, header) in request.headers.iter_mut() {
            *header = HeaderValue::from_str(&value).unwrap();
        }
        let verifier = receiver(row);
        let _ = verifier.decide(&request, NOW_MS);
        let _ = verifier.labels(&request);
        let _ = verifier.fingerprint(&request);
    }

    #[test]
    fn a_strange_key_never_panics(row in prop::sample::select(table()), key: Vec<u8>) {
        let Some(secret) = Secret::new(key.clone()) else { return Ok(()) };
        let _ = Verifier::new(row.spec.clone(), Options { secrets: vec![secret], ..options("x") });
        let pem = format!("-----BEGIN CERTIFICATE-----{}-----END CERTIFICATE-----", Encoding::Base64.encode(&key));
        let _ = Verifier::new(row.spec.clone(), Options { secrets: vec![super::secret(&pem)], ..options("x") });
    }

    #[test]
    fn a_strange_timestamp_never_panics(text in "[0-9TZ:+., GMTa-zé-]{0,40}") {
        for unit in Unit::ALL {
            let _ = crate::sender::timestamp::parse_ms(text.as_bytes(), *unit);
        }
    }
}
