//! Finds what a dotted name refers to in a parsed payload.
//!
//! In an object the whole name, taken as a key, comes first; else the part up to the first dot is the
//! key and the rest goes on below. In an array the part is a decimal index. A key that itself holds
//! dots is therefore only found as the last step.
//!
//! A part that is `*` stands for every element of an array; in an object it is a key like any other.

use crate::reference::EACH;
use crate::value::{Object, Value};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found<'v, 'a> {
    Value(&'v Value<'a>),
    Missing,
    /// The name goes on below a null. The reference makes an error of this, not a missing value.
    IntoNull,
}

pub(crate) fn lookup<'v, 'a>(object: &'v Object<'a>, name: &str) -> Found<'v, 'a> {
    let mut step = in_object(object, name);
    loop {
        step = match step {
            None => return Found::Missing,
            Some((value, None)) => return Found::Value(value),
            Some((Value::Null, Some(_))) => return Found::IntoNull,
            Some((Value::Object(object), Some(rest))) => in_object(object, rest),
            Some((Value::Array(array), Some(rest))) => in_array(array, rest),
            Some((Value::NullObject | Value::Bool(_) | Value::Number(_) | Value::Text(_), Some(_))) => None,
        };
    }
}

/// All that a name leads to whose `*` stand for the elements of arrays, in order; `None` when there is no
/// array at any `*`. Elements below which the name leads nowhere, or into a null, give nothing. Each value
/// of the object comes at most once, so there are no more than were read.
pub(crate) fn lookup_each<'v, 'a>(object: &'v Object<'a>, name: &str) -> Option<Vec<&'v Value<'a>>> {
    let mut found = Vec::new();
    let mut is_each = false;
    // Where the search still has to go, the next one last.
    let mut open: Vec<_> = in_object(object, name).into_iter().collect();
    while let Some(step) = open.pop() {
        match step {
            (value, None) => found.push(value),
            (Value::Object(object), Some(rest)) => open.extend(in_object(object, rest)),
            (Value::Array(array), Some(rest)) => match split(rest) {
                (EACH, below) => {
                    is_each = true;
                    open.extend(array.iter().rev().map(|element| (element, below)));
                }
                _ => open.extend(in_array(array, rest)),
            },
            (_, Some(_)) => {}
        }
    }
    is_each.then_some(found)
}

/// The value that `lookup` finds, to be replaced; `None` for both of its other answers.
pub(crate) fn lookup_mut<'v, 'a>(object: &'v mut Object<'a>, name: &str) -> Option<&'v mut Value<'a>> {
    let mut step = in_object_mut(object, name);
    loop {
        step = match step? {
            (value, None) => return Some(value),
            (Value::Object(object), Some(rest)) => in_object_mut(object, rest),
            (Value::Array(array), Some(rest)) => {
                let (part, rest) = split(rest);
                Some((array.get_mut(index(part.as_bytes())?)?, rest))
            }
            _ => return None,
        };
    }
}

/// The index a part of a name stands for: digits only, leading zeros allowed, as Go's `ParseUint` has it.
pub(crate) fn index(part: &[u8]) -> Option<usize> {
    let digits = str::from_utf8(part).ok()?;
    // `parse` would also take a leading `+`.
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// The part of a name up to its first dot, and what follows the dot.
fn split(name: &str) -> (&str, Option<&str>) {
    match name.split_once('.') {
        Some((part, rest)) => (part, Some(rest)),
        None => (name, None),
    }
}

/// One step down, and what is left of the name there.
type Step<'v, 'a, 'n> = Option<(&'v Value<'a>, Option<&'n str>)>;

fn in_object<'v, 'a, 'n>(object: &'v Object<'a>, name: &'n str) -> Step<'v, 'a, 'n> {
    if let Some(value) = object.get(name.as_bytes()) {
        return Some((value, None));
    }
    let (part, rest) = name.split_once('.')?;
    Some((object.get(part.as_bytes())?, Some(rest)))
}

fn in_array<'v, 'a, 'n>(array: &'v [Value<'a>], name: &'n str) -> Step<'v, 'a, 'n> {
    let (part, rest) = split(name);
    Some((array.get(index(part.as_bytes())?)?, rest))
}

fn in_object_mut<'v, 'a, 'n>(
    object: &'v mut Object<'a>,
    name: &'n str,
) -> Option<(&'v mut Value<'a>, Option<&'n str>)> {
    if object.contains_key(name.as_bytes()) {
        return Some((object.get_mut(name.as_bytes())?, None));
    }
    let (part, rest) = name.split_once('.')?;
    Some((object.get_mut(part.as_bytes())?, Some(rest)))
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::json_text::text_of;
    use crate::payload::json::parse;

    const DOCUMENT: &str = r#"{
        "a": {"b": {"c": "deep"}, "b.c": "raw", "n": null, "": "empty key", "s": "text"},
        "x.y": "whole", "x": {"y": "parts", "z": "z"},
        "list": [10, [20, 21], {"k": 30}, null], "none": [], "null": null, "": {"q": 1}, "0": {"1": 2},
        "d": {"e.f": {"g": 1}}
    }"#;

    fn object_of(text: &str) -> Object<'_> {
        match parse(text.as_bytes()) {
            Ok(Value::Object(object)) => object,
            other => panic!("{other:?}"),
        }
    }

    fn check(name: &str, expected: &str) {
        let mut object = object_of(DOCUMENT);
        object.insert(Cow::Borrowed(b"void"), Value::NullObject);
        let found = match lookup(&object, name) {
            Found::Value(value) => String::from_utf8(text_of(value).into_owned()).unwrap(),
            Found::Missing => "missing".into(),
            Found::IntoNull => "into null".into(),
        };
        assert_eq!(found, expected, "{name}");
        let value = match lookup(&object, name) {
            Found::Value(value) => Some(value.clone()),
            Found::Missing | Found::IntoNull => None,
        };
        assert_eq!(lookup_mut(&mut object, name).cloned(), value, "{name}");
    }

    #[test]
    fn names_are_found_as_in_the_reference() {
        for (name, expected) in [
            ("a.b.c", "raw"),
            ("a.b", r#"{"c":"deep"}"#),
            ("x.y", "whole"),
            ("x.z", "z"),
            ("a.n", "<nil>"),
            ("a.n.m", "into null"),
            ("a.", "empty key"),
            (".q", "1"),
            ("", r#"{"q":1}"#),
            (".", "missing"),
            ("a.s.t", "missing"),
            ("d.e.f.g", "missing"),
            ("d.e.f", r#"{"g":1}"#),
            ("nothing", "missing"),
            ("nothing.below", "missing"),
            ("null", "<nil>"),
            ("null.x", "into null"),
            ("null.", "into null"),
            ("void", "null"),
            ("void.x", "missing"),
            ("0.1", "2"),
        ] {
            check(name, expected);
        }
    }

    #[test]
    fn arrays_take_decimal_indices() {
        for (name, expected) in [
            ("list.0", "10"),
            ("list.000", "10"),
            ("list.1", "[20,21]"),
            ("list.1.01", "21"),
            ("list.2.k", "30"),
            ("list.3", "<nil>"),
            ("list.3.k", "into null"),
            ("list.4", "missing"),
            ("list.4.k", "missing"),
            ("list.+1", "missing"),
            ("list.-1", "missing"),
            ("list.1_0", "missing"),
            ("list. 1", "missing"),
            ("list.", "missing"),
            ("list..k", "missing"),
            ("list.0.k", "missing"),
            ("list.\u{661}", "missing"),
            ("list.9223372036854775808", "missing"),
            ("list.18446744073709551615", "missing"),
            ("list.18446744073709551616", "missing"),
            ("none.0", "missing"),
            ("none.0.x", "missing"),
        ] {
            check(name, expected);
        }
    }

    #[test]
    fn a_star_stands_for_every_element() {
        #[track_caller]
        fn check(name: &str, expected: Option<&[&str]>) {
            let object = object_of(
                r#"{"list": [{"k": 1, "l": [2, 3]}, {"l": []}, 4, null, {"k": null, "k.m": 5, "l": [[6], 7]}],
                    "none": [], "*": {"*": [{"*": 8}]}, "map": {"a": {"k": 9}}, "null": null,
                    "literal": [{"*": "key"}]}"#,
            );
            let found = lookup_each(&object, name);
            let texts = found.map(|found| found.into_iter().map(text_of).collect::<Vec<_>>());
            let expected = expected.map(|texts| texts.iter().map(|text| text.as_bytes()).collect::<Vec<_>>());
            assert_eq!(
                texts.as_ref().map(|texts| texts.iter().map(|text| &**text).collect()),
                expected,
                "{name}"
            );
        }
        check("list.*.k", Some(&["1", "<nil>"]));
        check("list.*.k.m", Some(&["5"]));
        check("list.*.l.*", Some(&["2", "3", "[6]", "7"]));
        check("list.*.l.*.*", Some(&["6"]));
        check("list.*.l.0", Some(&["2", "[6]"]));
        check("list.4.l.*", Some(&["[6]", "7"]));
        check("list.*.gone", Some(&[]));
        check("none.*", Some(&[]));
        check("none.*.k", Some(&[]));
        check("*.*.*.*", Some(&["8"]));
        check("literal.*.*", Some(&["key"]));
        check("map.*.k", None);
        check("null.*", None);
        check("list.0.k", None);
        check("list.**", None);
        check("gone.*", None);
    }

    #[test]
    fn a_found_value_can_be_replaced() {
        let mut object = object_of(r#"{"a":[{"b":"old"}]}"#);
        *lookup_mut(&mut object, "a.0.b").unwrap() = Value::Bool(true);
        assert_eq!(object, object_of(r#"{"a":[{"b":true}]}"#));
    }
}
