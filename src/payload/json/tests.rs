//! Tables of texts with what they mean or what is wrong with them.

mod properties;

use std::thread;

use serde::de::IgnoredAny;

use super::*;
use crate::json_text::write;

fn written(value: &Value<'_>) -> String {
    let mut out = Vec::new();
    write(value, &mut out);
    String::from_utf8(out).unwrap()
}

/// Reads `json`; what is expected is the compact form. Skipping must agree on what is valid.
fn check(json: &[u8], expected: &str) {
    let shown = String::from_utf8_lossy(json);
    let parsed = parse(json);
    let text = match &parsed {
        Ok(value) => written(value),
        Err(error) => error.to_string(),
    };
    assert_eq!(text, expected, "{shown}");
    let skipped = read(json, |reader| reader.skip());
    assert_eq!(skipped, parsed.map(|_| ()), "{shown}");
}

#[test]
fn valid_values() {
    for (json, expected) in [
        ("{}", "{}"),
        (" \t\r\n[ \n]\t", "[]"),
        ("[1 , 2,\t3\n]", "[1,2,3]"),
        (r#"{"b":1,"a":[true,false,null]}"#, r#"{"a":[true,false,null],"b":1}"#),
        (r#"{ "a" : { } , "b" : [ ] }"#, r#"{"a":{},"b":[]}"#),
        ("[0,-0,0.0,-0.10,1e5,1E+05,1e-0,10,1.10]", "[0,-0,0.0,-0.10,1e5,1E+05,1e-0,10,1.10]"),
        ("[123456789012345678901234567890,1e999999]", "[123456789012345678901234567890,1e999999]"),
        (r#""\"\\\/\b\f\n\r\t\u00e9\u00E9""#, r#""\"\\/\u0008\u000c\n\r\téé""#),
        ("\"\x7f\"", "\"\x7f\""),
        (r#"{"a":1,"a":{"b":2},"a":3}"#, r#"{"a":3}"#),
        (r#"{"a":{"b":2},"a":{}}"#, r#"{"a":{}}"#),
        (r#"{"a":1,"\u0061":2}"#, r#"{"a":2}"#),
        (r#"{"":0}"#, r#"{"":0}"#),
        ("\"é😀\u{fffd}\"", "\"é😀\u{fffd}\""),
    ] {
        check(json.as_bytes(), expected);
    }
}

#[test]
fn what_follows_the_value_is_ignored() {
    for (json, expected) in [
        ("{}x", "{}"),
        ("[1]]", "[1]"),
        ("{} {\"a\":", "{}"),
        ("truex", "true"),
        ("null,", "null"),
        ("01", "0"),
        ("1-", "1"),
        (r#""a"b""#, r#""a""#),
    ] {
        check(json.as_bytes(), expected);
    }
}

#[test]
fn surrogates_pair_up_or_are_replaced() {
    for (json, expected) in [
        (r#""\ud83d\ude00""#, "\"😀\""),
        (r#""\uD83D\uDE00!""#, "\"😀!\""),
        (r#""\ud83d""#, "\"\u{fffd}\""),
        (r#""\ude00""#, "\"\u{fffd}\""),
        (r#""\ud83dx""#, "\"\u{fffd}x\""),
        (r#""\ud83d\n""#, "\"\u{fffd}\\n\""),
        (r#""\ud83d\u0041""#, "\"\u{fffd}A\""),
        (r#""\ud83d\ud83d\ude00""#, "\"\u{fffd}😀\""),
        (r#""\ude00\ud83d""#, "\"\u{fffd}\u{fffd}\""),
        (r#""\ude00\ude00""#, "\"\u{fffd}\u{fffd}\""),
        (r#""\ufffd\uffff""#, "\"\u{fffd}\u{ffff}\""),
        (r#"{"\ud800":1}"#, "{\"\u{fffd}\":1}"),
        (r#""\ud83d\q""#, "`q` after a backslash at byte 8 (line 1, column 9)"),
    ] {
        check(json.as_bytes(), expected);
    }
}

#[test]
fn each_byte_that_is_not_utf8_is_replaced() {
    for (bytes, replacements) in [
        (&b"\xff"[..], 1),
        (b"\x80", 1),
        (b"\xc3", 1),
        (b"\xe2\x82", 2),
        (b"\xf0\x9f\x98", 3),
        (b"\xed\xa0\x80", 3),
        (b"\xc0\xaf", 2),
        (b"\xe0\x80\x80", 3),
        (b"\xf4\x90\x80\x80", 4),
        (b"\xf5\x80", 2),
    ] {
        let replaced = "\u{fffd}".repeat(replacements);
        let around = |before: &[u8], after: &[u8]| [before, bytes, after].concat();
        check(&around(b"\"", b"\""), &format!("\"{replaced}\""));
        check(
            &around(b"\"long enough for a word ", b"\\n!\""),
            &format!("\"long enough for a word {replaced}\\n!\""),
        );
        check(&around(b"\"\\n", b"z\""), &format!("\"\\n{replaced}z\""));
        check(&around(b"{\"k", b"\":1}"), &format!("{{\"k{replaced}\":1}}"));
    }
}

#[test]
fn invalid_values() {
    for (json, expected) in [
        ("", "the text is empty at byte 0 (line 1, column 1)"),
        (" \n ", "the text is empty at byte 3 (line 2, column 2)"),
        ("{", "the text ends within a value at byte 1 (line 1, column 2)"),
        (r#"{"a"#, "the text ends within a value at byte 3 (line 1, column 4)"),
        (r#""\"#, "the text ends within a value at byte 2 (line 1, column 3)"),
        (r#""\u00"#, "the text ends within a value at byte 5 (line 1, column 6)"),
        ("[1", "the text ends within a value at byte 2 (line 1, column 3)"),
        ("-", "the text ends within a value at byte 1 (line 1, column 2)"),
        ("tru", "the text ends within a value at byte 3 (line 1, column 4)"),
        ("[01]", "`1` instead of `,` or `]` at byte 2 (line 1, column 3)"),
        ("[-01]", "`1` instead of `,` or `]` at byte 3 (line 1, column 4)"),
        ("[1.]", "`]` instead of a digit at byte 3 (line 1, column 4)"),
        ("[.5]", "`.` instead of a value at byte 1 (line 1, column 2)"),
        ("[+1]", "`+` instead of a value at byte 1 (line 1, column 2)"),
        ("[1e]", "`]` instead of a digit at byte 3 (line 1, column 4)"),
        ("[1e+-1]", "`-` instead of a digit at byte 4 (line 1, column 5)"),
        ("[--1]", "`-` instead of a digit at byte 2 (line 1, column 3)"),
        ("[1,]", "`]` instead of a value at byte 3 (line 1, column 4)"),
        ("[,1]", "`,` instead of a value at byte 1 (line 1, column 2)"),
        ("[1 2]", "`2` instead of `,` or `]` at byte 3 (line 1, column 4)"),
        ("[1}", "`}` instead of `,` or `]` at byte 2 (line 1, column 3)"),
        (r#"{"a":1,}"#, "`}` instead of a key in quotes at byte 7 (line 1, column 8)"),
        ("{a:1}", "`a` instead of a key in quotes at byte 1 (line 1, column 2)"),
        ("{1:1}", "`1` instead of a key in quotes at byte 1 (line 1, column 2)"),
        (r#"{"a" 1}"#, "`1` instead of `:` at byte 5 (line 1, column 6)"),
        (r#"{"a":1]"#, "`]` instead of `,` or `}` at byte 6 (line 1, column 7)"),
        ("[trUe]", "`U` instead of the rest of `true`, `false` or `null` at byte 3 (line 1, column 4)"),
        ("NaN", "`N` instead of a value at byte 0 (line 1, column 1)"),
        ("'a'", "`'` instead of a value at byte 0 (line 1, column 1)"),
        ("\u{feff}{}", "byte 0xef instead of a value at byte 0 (line 1, column 1)"),
        ("\u{b}1", "byte 0x0b instead of a value at byte 0 (line 1, column 1)"),
        ("[\u{a0}1]", "byte 0xc2 instead of a value at byte 1 (line 1, column 2)"),
        ("// c\n1", "`/` instead of a value at byte 0 (line 1, column 1)"),
        ("\"a\nb\"", "byte 0x0a within a string at byte 2 (line 1, column 3)"),
        ("[\n \"é\tb\"]", "byte 0x09 within a string at byte 6 (line 2, column 4)"),
        ("\"\0\"", "byte 0x00 within a string at byte 1 (line 1, column 2)"),
        (r#""\x41""#, "`x` after a backslash at byte 2 (line 1, column 3)"),
        (r#""\'""#, "`'` after a backslash at byte 2 (line 1, column 3)"),
        (r#""\U0041""#, "`U` after a backslash at byte 2 (line 1, column 3)"),
        (r#""\u00g0""#, "`g` instead of a hexadecimal digit at byte 5 (line 1, column 6)"),
        (r#""\u+041""#, "`+` instead of a hexadecimal digit at byte 3 (line 1, column 4)"),
    ] {
        check(json.as_bytes(), expected);
    }
}

/// The second of two strings is `length` times `x` with `part` at `place` of it.
fn check_part(length_before: usize, length: usize, place: usize, part: &[u8]) {
    let mut string = vec![b'x'; length];
    string.splice(place..place, part.iter().copied());
    let json = [b"[\"", &*vec![b'-'; length_before], b"\",\"", &string, b"\"]"].concat();
    let shown = String::from_utf8_lossy(&json);
    let parsed = parse(&json);
    // After a quote the rest of the text is not JSON; serde_json sees it the same way.
    assert_eq!(parsed.is_ok(), serde_json::from_slice::<[IgnoredAny; 2]>(&json).is_ok(), "{shown:?}");
    if let Ok(Value::Array(array)) = &parsed {
        let Some(Value::Text(text)) = array.last() else { panic!("{shown:?}") };
        let expected = String::from_utf8_lossy(&string).replace("\\n", "\n").replace("\\u0041", "A");
        assert_eq!(str::from_utf8(text), Ok(&*expected), "{shown:?}");
    }
    assert_eq!(read(&json, |reader| reader.skip()), parsed.map(|_| ()), "{shown:?}");
}

#[test]
fn every_byte_is_seen_at_every_place_of_a_string() {
    let telling: [&[u8]; 12] = [
        b"\0",
        b"\n",
        b"\x1f",
        b" ",
        b"\"",
        b"\\",
        b"\x7f",
        b"\x80",
        b"\xff",
        b"\\n",
        b"\\u0041",
        "é".as_bytes(),
    ];
    for byte in 0..=u8::MAX {
        check_part(0, 1, 1, &[byte]);
    }
    for length in 0..140 {
        for place in 0..=length {
            telling.into_iter().for_each(|part| check_part(length % 67, length, place, part));
        }
    }
}

#[test]
fn texts_and_numbers_are_borrowed() {
    let Ok(Value::Object(object)) = parse(r#"{"key":["text é",1.50]}"#.as_bytes()) else { panic!() };
    let Some((Cow::Borrowed(b"key"), Value::Array(array))) = object.first_key_value() else { panic!() };
    assert!(matches!(array[..], [Value::Text(Cow::Borrowed(_)), Value::Number(Cow::Borrowed("1.50"))]));
}

fn check_payload(json: &str, names: &[&str], expected: &str) {
    let text = match parse_payload(json.as_bytes(), &Wanted::names(names.iter().copied())) {
        Ok(Some(object)) => written(&Value::Object(object)),
        Ok(None) => "none".into(),
        Err(error) => error.to_string(),
    };
    assert_eq!(text, expected, "{json} {names:?}");
}

#[test]
fn a_payload_is_an_object() {
    for (json, names, expected) in [
        (r#" {"a":1,"b":2} x"#, &["a"][..], r#"{"a":1}"#),
        (" [1,2]", &["root"], r#"{"root":[1,2]}"#),
        ("[1,2]", &["root.1"], r#"{"root":[null,2]}"#),
        ("[1,2]", &["1"], "{}"),
        ("[1,2", &["1"], "the text ends within a value at byte 4 (line 1, column 5)"),
        ("null", &["a"], "none"),
        (" 7", &["a"], "neither an object nor an array at byte 1 (line 1, column 2)"),
        ("\"a\"", &["a"], "neither an object nor an array at byte 0 (line 1, column 1)"),
        ("", &["a"], "the text is empty at byte 0 (line 1, column 1)"),
    ] {
        check_payload(json, names, expected);
    }
}

#[test]
fn only_what_is_wanted_is_built() {
    for (json, names, expected) in [
        (r#"{"a":{"b":1,"c":2},"d":3}"#, &["a.b"][..], r#"{"a":{"b":1}}"#),
        (r#"{"a":{"b":1,"c":2},"a.b":{"x":[0]}}"#, &["a.b"], r#"{"a":{"b":1},"a.b":{"x":[0]}}"#),
        (r#"{"a":[{"x":1,"y":2},{"x":3}]}"#, &["a.0.x"], r#"{"a":[{"x":1}]}"#),
        (r#"{"a":[9,9,[1,2],9]}"#, &["a.2.0"], r#"{"a":[null,null,[1]]}"#),
        (r#"{"a":[9]}"#, &["a.2.0"], r#"{"a":[]}"#),
        (r#"{"a":"text","b":null}"#, &["a.x", "b.x"], r#"{"a":"text","b":null}"#),
        (r#"{"a":{"b":1},"a":[]}"#, &["a.b"], r#"{"a":[]}"#),
        (r#"{"\u0061":{"\u0062":1}}"#, &["a.b"], r#"{"a":{"b":1}}"#),
        (r#"{"a":1,"b":[1,{"x":"\q"}]}"#, &["a"], "`q` after a backslash at byte 21 (line 1, column 22)"),
        (r#"{"a":1,"b":01}"#, &["a"], "`1` instead of `,` or `}` at byte 12 (line 1, column 13)"),
    ] {
        check_payload(json, names, expected);
    }
}

fn nested(levels: usize, open: &str, middle: &str, close: &str) -> String {
    format!("{}{middle}{}", open.repeat(levels), close.repeat(levels))
}

fn nestings(levels: usize) -> [String; 4] {
    [
        nested(levels, "[", "", "]"),
        nested(levels, "{\"a\":", "1", "}"),
        nested(levels / 2, "[{\"0\":", "[]", "}]"),
        nested(levels / 2, "{\"0\":[", "{}", "]}"),
    ]
}

#[test]
fn nesting_is_bounded_and_fits_a_worker_thread() {
    let small_stack = thread::Builder::new().stack_size(2 << 20);
    let check_all = || {
        let names = Wanted::names(["0.".repeat(NESTING_MAX + 10).as_str(), "a.".repeat(2000).as_str()]);
        for json in nestings(NESTING_MAX - 1) {
            let value = parse(json.as_bytes()).unwrap();
            assert_eq!(written(&value), json);
            drop(value);
            parse_wanted(json.as_bytes(), &names).unwrap();
            parse_wanted(json.as_bytes(), &Wanted::default()).unwrap();
        }
        for json in nestings(1_000_000) {
            for wanted in [&Wanted::everything(), &names, &Wanted::default()] {
                let error = parse_wanted(json.as_bytes(), wanted).unwrap_err();
                assert!(error.to_string().starts_with("more than 1000 "), "{error}");
            }
        }
    };
    small_stack.spawn(check_all).unwrap().join().unwrap();
    assert!(parse(nested(NESTING_MAX, "[", "", "]").as_bytes()).is_ok());
    assert!(parse(nested(NESTING_MAX + 1, "[", "", "]").as_bytes()).is_err());
    // Depth is what lies within each other, not what was opened so far.
    assert!(parse(format!("[{}0]", "[],{},[0],{\"a\":0},".repeat(NESTING_MAX)).as_bytes()).is_ok());
}
