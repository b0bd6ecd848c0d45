//! Writes values as text: compact JSON byte for byte as Go's `json.Marshal` writes it, because commands
//! compare and hash what they are given, and the text a value has as an argument.

use std::borrow::Cow;

use crate::value::{Object, Value};

/// The bytes that are escaped, and the first byte of U+2028 and U+2029.
const MAY_NEED_ESCAPE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = matches!(byte as u8, 0..0x20 | b'"' | b'\\' | b'<' | b'>' | b'&' | 0xe2);
        byte += 1;
    }
    table
};

/// Object keys come sorted by their bytes, numbers as they were sent. `<`, `>`, `&`, U+2028 and U+2029
/// are escaped, and what is not UTF-8 becomes `\ufffd`, once per byte.
pub(crate) fn write(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Null | Value::NullObject => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(digits) => out.extend_from_slice(digits.as_bytes()),
        Value::Text(text) => write_text(text, out),
        Value::Array(array) => write_list(array, out),
        Value::Object(object) => write_object(object, out),
    }
}

pub(crate) fn write_object(object: &Object<'_>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (position, (key, value)) in object.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write_text(key, out);
        out.push(b':');
        write(value, out);
    }
    out.push(b'}');
}

/// The text of a value as an argument or in a rule: only objects and arrays are JSON.
pub(crate) fn text_of<'v>(value: &'v Value<'_>) -> Cow<'v, [u8]> {
    match value {
        Value::Null => Cow::Borrowed(b"<nil>"),
        Value::NullObject => Cow::Borrowed(b"null"),
        Value::Bool(true) => Cow::Borrowed(b"true"),
        Value::Bool(false) => Cow::Borrowed(b"false"),
        Value::Number(digits) => Cow::Borrowed(digits.as_bytes()),
        Value::Text(text) => Cow::Borrowed(text),
        Value::Array(_) | Value::Object(_) => {
            let mut out = Vec::new();
            write(value, &mut out);
            Cow::Owned(out)
        }
    }
}

pub(crate) fn write_list<'v, 'a: 'v>(values: impl IntoIterator<Item = &'v Value<'a>>, out: &mut Vec<u8>) {
    out.push(b'[');
    for (position, value) in values.into_iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write(value, out);
    }
    out.push(b']');
}

fn write_text(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    // Most texts are ASCII, which is quicker to see than that they are UTF-8.
    if text.is_ascii() || str::from_utf8(text).is_ok() {
        write_escaped(text, out);
    } else {
        for chunk in text.utf8_chunks() {
            write_escaped(chunk.valid().as_bytes(), out);
            for _ in chunk.invalid() {
                out.extend_from_slice(br"\ufffd");
            }
        }
    }
    out.push(b'"');
}

/// `text` is UTF-8. Everything between two escapes is copied at once.
fn write_escaped(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(plain) = rest.iter().position(|byte| MAY_NEED_ESCAPE[usize::from(*byte)]) {
        let (before, special) = rest.split_at(plain);
        out.extend_from_slice(before);
        let length = match special {
            [0xe2, 0x80, last @ (0xa8 | 0xa9), ..] => {
                write_unit(0x2000 | u16::from(last & 0x3f), out);
                3
            }
            // Any other character of the general punctuation and its neighbours.
            [0xe2, ..] => {
                out.push(0xe2);
                1
            }
            [byte, ..] => {
                write_escape(*byte, out);
                1
            }
            [] => 0,
        };
        rest = special.get(length..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// Backspace and form feed have no short form: the Go that the reference is built with knows none.
fn write_escape(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'"' => out.extend_from_slice(br#"\""#),
        b'\\' => out.extend_from_slice(br"\\"),
        b'\n' => out.extend_from_slice(br"\n"),
        b'\r' => out.extend_from_slice(br"\r"),
        b'\t' => out.extend_from_slice(br"\t"),
        _ => write_unit(u16::from(byte), out),
    }
}

fn write_unit(unit: u16, out: &mut Vec<u8>) {
    out.extend_from_slice(br"\u");
    for shift in [12, 8, 4, 0] {
        let digit = (unit >> shift) as u8 & 0xf;
        out.push(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::payload::json::parse;

    fn written(value: &Value<'_>) -> String {
        let mut out = Vec::new();
        write(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn check_text(text: &[u8], expected: &str) {
        assert_eq!(written(&Value::Text(Cow::Borrowed(text))), expected, "{text:?}");
    }

    #[test]
    fn texts_are_escaped_as_go_escapes_them() {
        for (text, expected) in [
            (&b""[..], r#""""#),
            (b"plain /'", r#""plain /'""#),
            (b"\"\\", r#""\"\\""#),
            (b"\n\r\t", r#""\n\r\t""#),
            (b"\x08\x0c\x00\x1f\x0b", r#""\u0008\u000c\u0000\u001f\u000b""#),
            (b"\x7f", "\"\x7f\""),
            (b"<a href='x'>&", r#""\u003ca href='x'\u003e\u0026""#),
            ("\u{2028}\u{2029}".as_bytes(), r#""\u2028\u2029""#),
            ("\u{2027}\u{202a}\u{20ac}\u{2603}".as_bytes(), "\"\u{2027}\u{202a}\u{20ac}\u{2603}\""),
            ("\u{fffd}é😀".as_bytes(), "\"\u{fffd}é😀\""),
            (b"a\xffb", r#""a\ufffdb""#),
            (b"\xe2\x82", r#""\ufffd\ufffd""#),
            (b"\xe2\x80", r#""\ufffd\ufffd""#),
            (b"\xed\xa0\x80<", r#""\ufffd\ufffd\ufffd\u003c""#),
            (b"\xc0\xaf", r#""\ufffd\ufffd""#),
            (b"\xf0\x9f\x98", r#""\ufffd\ufffd\ufffd""#),
        ] {
            check_text(text, expected);
        }
    }

    fn check_value(json: &str, compact: &str, text: &str) {
        let value = parse(json.as_bytes()).unwrap();
        assert_eq!(written(&value), compact, "{json}");
        assert_eq!(text_of(&value), text.as_bytes(), "{json}");
    }

    #[test]
    fn values_have_a_compact_form_and_a_text() {
        for (json, compact, text) in [
            ("null", "null", "<nil>"),
            ("true", "true", "true"),
            ("false", "false", "false"),
            ("1.10", "1.10", "1.10"),
            ("-1E+5", "-1E+5", "-1E+5"),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
            (r#""<a>\n""#, r#""\u003ca\u003e\n""#, "<a>\n"),
            ("[ ]", "[]", "[]"),
            ("{ }", "{}", "{}"),
            ("[1, null, [\"<\"]]", r#"[1,null,["\u003c"]]"#, r#"[1,null,["\u003c"]]"#),
            (
                r#"{"b": 1, "a": {"z": null, "é": 2}, "B": [], "<": 0, "": 9}"#,
                r#"{"":9,"\u003c":0,"B":[],"a":{"z":null,"é":2},"b":1}"#,
                r#"{"":9,"\u003c":0,"B":[],"a":{"z":null,"é":2},"b":1}"#,
            ),
        ] {
            check_value(json, compact, text);
        }
    }

    #[test]
    fn a_null_object_is_null_in_both_forms() {
        assert_eq!(written(&Value::NullObject), "null");
        assert_eq!(text_of(&Value::NullObject), &b"null"[..]);
    }

    #[test]
    fn the_text_of_a_text_is_not_copied() {
        let value = Value::Text(Cow::Borrowed(b"\xff raw"));
        assert!(matches!(text_of(&value), Cow::Borrowed(b"\xff raw")));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn written_texts_are_read_back(text in ".*") {
            let value = Value::Text(Cow::Borrowed(text.as_bytes()));
            let json = written(&value);
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text.clone());
            prop_assert_eq!(parse(json.as_bytes()).unwrap(), value);
        }

        #[test]
        fn any_bytes_become_valid_json(bytes in any::<Vec<u8>>()) {
            let value = Value::Text(Cow::Owned(bytes));
            prop_assert!(serde_json::from_str::<String>(&written(&value)).is_ok());
        }
    }
}
