//! Random values and names, against the reference's lookup.

use std::borrow::Cow;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// `GetParameter` of adnanh/webhook 2.8.2 (`internal/hook/hook.go`), step by step. It walks recursively,
/// a JSON null is its `nil`, and a map without entries answers like one that lacks the key.
fn reference<'v, 'a>(name: &str, value: &'v Value<'a>) -> Found<'v, 'a> {
    let split = name.split_once('.');
    match value {
        Value::Null => Found::IntoNull,
        Value::Array(array) => {
            let (part, rest) = match split {
                Some((part, rest)) => (part, Some(rest)),
                None => (name, None),
            };
            // `strconv.ParseUint`: decimal digits and nothing else.
            let index: Option<usize> = match part.chars().all(|character| character.is_ascii_digit()) {
                true => part.parse().ok(),
                false => None,
            };
            match (index.and_then(|index| array.get(index)), rest) {
                (None, _) => Found::Missing,
                (Some(element), None) => Found::Value(element),
                (Some(element), Some(rest)) => reference(rest, element),
            }
        }
        Value::Object(object) => {
            if let Some(value) = object.get(name.as_bytes()) {
                return Found::Value(value);
            }
            match split.map(|(part, rest)| (object.get(part.as_bytes()), rest)) {
                Some((Some(value), rest)) => reference(rest, value),
                _ => Found::Missing,
            }
        }
        Value::NullObject | Value::Bool(_) | Value::Number(_) | Value::Text(_) => Found::Missing,
    }
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => select(vec!["a", "b", "", "0", "1", "01", "a.b", "a.", ".a", "0.1", ".", "a..b"]).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::collection::vec(key(), 1..6).prop_map(|parts| parts.join(".")),
        1 => any::<String>(),
        1 => select(vec!["0.18446744073709551616", "a.9223372036854775808", "1.+0", "1.-0", "1.\u{661}"])
            .prop_map(str::to_owned),
    ]
}

fn value() -> impl Strategy<Value = Value<'static>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        Just(Value::NullObject),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Number(Cow::Borrowed("1.10"))),
        any::<Vec<u8>>().prop_map(|text| Value::Text(Cow::Owned(text))),
    ];
    leaf.prop_recursive(5, 60, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            object_of(inner).prop_map(Value::Object),
        ]
    })
}

fn object_of(value: impl Strategy<Value = Value<'static>>) -> impl Strategy<Value = Object<'static>> {
    let entry = (key(), value).prop_map(|(key, value)| (Cow::Owned(key.into_bytes()), value));
    prop::collection::vec(entry, 0..6).prop_map(Object::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn any_name_in_any_object_is_found_as_in_the_reference(object in object_of(value()), name in name()) {
        let whole = Value::Object(object);
        let expected = reference(&name, &whole);
        let Value::Object(object) = &whole else { unreachable!() };
        prop_assert_eq!(lookup(object, &name), expected);
    }

    #[test]
    fn what_is_found_is_what_can_be_replaced(mut object in object_of(value()), name in name()) {
        let found = match lookup(&object, &name) {
            Found::Value(value) => Some(value.clone()),
            Found::Missing | Found::IntoNull => None,
        };
        prop_assert_eq!(lookup_mut(&mut object, &name).cloned(), found.clone());
        if let Some(place) = lookup_mut(&mut object, &name) {
            *place = Value::Text(Cow::Borrowed(b"new"));
            prop_assert_eq!(lookup(&object, &name), Found::Value(&Value::Text(Cow::Borrowed(b"new"))));
        }
    }

    #[test]
    fn a_name_without_dots_is_a_key_and_no_more(object in object_of(value()), name in "[^.]*") {
        let expected = object.get(name.as_bytes()).map_or(Found::Missing, Found::Value);
        prop_assert_eq!(lookup(&object, &name), expected);
    }
}
