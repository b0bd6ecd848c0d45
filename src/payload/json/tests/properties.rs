//! Random documents, names and texts, with the whole document and `serde_json` as oracles.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde::de::IgnoredAny;

use super::super::*;
use super::written;
use crate::lookup::{lookup, lookup_each};

/// A document as text, so that equal keys and escaped keys occur.
#[derive(Debug, Clone)]
enum Document {
    Scalar(&'static str),
    Array(Vec<Document>),
    Object(Vec<(&'static str, Document)>),
}

impl Document {
    fn render(&self, out: &mut String) {
        match self {
            Self::Scalar(text) => out.push_str(text),
            Self::Array(elements) => {
                out.push('[');
                for (position, element) in elements.iter().enumerate() {
                    out.push_str(if position > 0 { " ," } else { "" });
                    element.render(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (position, (key, value)) in members.iter().enumerate() {
                    write!(out, "{}\"{key}\" :", if position > 0 { ", " } else { "" }).unwrap();
                    value.render(out);
                }
                out.push('}');
            }
        }
    }
}

fn document() -> impl Strategy<Value = String> {
    let scalar = prop::sample::select(vec!["null", "true", "1.10", "\"text\"", "\"a.b\"", "[]", "{}"]);
    let key = prop::sample::select(vec![
        "a", "b", "0", "1", "01", "00", "", "a.b", "b.0", "0.a", "a.0.b", ".a", "a.", ".", "\\u0061",
        "\\u0030", "root", "2", "*", "*.a",
    ]);
    let leaf = scalar.prop_map(Document::Scalar);
    let nested = leaf.prop_recursive(5, 60, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Document::Array),
            prop::collection::vec((key.clone(), inner), 0..6).prop_map(Document::Object),
        ]
    });
    nested.prop_map(|document| {
        let mut text = String::new();
        document.render(&mut text);
        text
    })
}

fn name() -> impl Strategy<Value = String> {
    let part =
        prop::sample::select(vec!["a", "b", "0", "1", "01", "00", "2", "3", "", "root", "+1", "c", "*", "*"]);
    prop::collection::vec(part, 1..5).prop_map(|parts| parts.join("."))
}

/// Texts of the sort a broken or hostile sender would produce.
fn almost_json() -> impl Strategy<Value = Vec<u8>> {
    let tokens = prop::sample::select(vec![
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\"a\"", "\"b\":", "0", "1", "-", ".", "e", "+", "true",
        "nul", "null", " ", "\n", "\\u", "d83d", "\\ude00", "\\n", "\t", "\u{1}", "é",
    ]);
    prop_oneof![
        prop::collection::vec(tokens, 0..12).prop_map(|tokens| tokens.concat().into_bytes()),
        (document(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(text, place, byte)| {
            let mut bytes = text.into_bytes();
            let place = place.index(bytes.len());
            bytes[place] = byte;
            bytes
        }),
        any::<Vec<u8>>(),
    ]
}

/// `serde_json`'s opinion; numbers are compared as it prints them.
fn same(value: &Value<'_>, oracle: &serde_json::Value) -> bool {
    match (value, oracle) {
        (Value::Null, serde_json::Value::Null) => true,
        (Value::Bool(ours), serde_json::Value::Bool(theirs)) => ours == theirs,
        (Value::Number(ours), serde_json::Value::Number(theirs)) => **ours == theirs.to_string(),
        (Value::Text(ours), serde_json::Value::String(theirs)) => **ours == *theirs.as_bytes(),
        (Value::Array(ours), serde_json::Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| same(ours, theirs))
        }
        (Value::Object(ours), serde_json::Value::Object(theirs)) => {
            let found = |key: &str| ours.get(key.as_bytes());
            ours.len() == theirs.len()
                && theirs.iter().all(|(key, theirs)| found(key).is_some_and(|ours| same(ours, theirs)))
        }
        _ => false,
    }
}

fn oracle_document() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn a_wanted_name_is_found_as_in_the_whole(
        json in document(),
        names in prop::collection::vec(name(), 1..4),
    ) {
        let wanted = Wanted::names(names.iter().map(String::as_str));
        let whole = parse_payload(json.as_bytes(), &Wanted::everything());
        let part = parse_payload(json.as_bytes(), &wanted);
        match (whole, part) {
            (Ok(Some(whole)), Ok(Some(part))) => for name in &names {
                prop_assert_eq!(lookup(&part, name), lookup(&whole, name), "{} in {}", name, json);
                let [of_part, of_whole] = [&part, &whole].map(|object| lookup_each(object, name));
                prop_assert_eq!(of_part, of_whole, "each {} in {}", name, json);
            },
            (whole, part) => prop_assert_eq!(whole, part),
        }
    }

    #[test]
    fn documents_mean_the_same_to_serde_json(oracle in oracle_document()) {
        for json in [serde_json::to_string(&oracle).unwrap(), serde_json::to_string_pretty(&oracle).unwrap()] {
            let value = parse(json.as_bytes()).unwrap();
            prop_assert!(same(&value, &oracle), "{}", json);
            let again = written(&value);
            prop_assert_eq!(parse(again.as_bytes()).unwrap(), value);
        }
    }

    #[test]
    fn the_same_texts_are_valid_as_for_serde_json(bytes in almost_json()) {
        // Within brackets the two agree also on what may follow a number or a word.
        let json = [b"[", &bytes[..], b"]"].concat();
        let accepted = serde_json::Deserializer::from_slice(&json).into_iter::<IgnoredAny>().next().unwrap().is_ok();
        let parsed = parse(&json);
        prop_assert_eq!(parsed.is_ok(), accepted, "{:?}", parsed);
        prop_assert_eq!(read(&json, |reader| reader.skip()), parsed.map(|_| ()));
        let part = parse_wanted(&json, &Wanted::names(["0.a", "1"]));
        prop_assert_eq!(part.is_ok(), accepted);
        let _no_panic = parse_payload(&bytes, &Wanted::everything());
    }
}
