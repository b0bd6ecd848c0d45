//! `a=1&b=2` of queries and forms (WHATWG URL, `application/x-www-form-urlencoded`), decoded as Go's
//! `net/url` does: a `;` is no separator but an error, and so is a bad escape.

use std::borrow::Cow;

use super::{VALUES_MAX, insert_first};
use crate::value::{Object, Text};

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PairError {
    #[error("a `;` separates nothing in a form")]
    Semicolon,
    #[error("more than {VALUES_MAX} fields")]
    TooMany,
    #[error("a `%` is not followed by two hexadecimal digits")]
    Escape,
}

/// First values by name; a pair that does not decode is skipped.
pub(crate) fn pairs_that_decode(text: &[u8]) -> Object<'_> {
    let mut fields = Object::new();
    // A head has no room for more than a bounded number of pairs.
    for (name, value) in pairs(text).flatten() {
        insert_first(&mut fields, name, value);
    }
    fields
}

/// First values by name; one pair that does not decode is an error for all.
pub(crate) fn all_pairs(text: &[u8]) -> Result<Object<'_>, PairError> {
    let mut fields = Object::new();
    for (count, pair) in pairs(text).enumerate() {
        if count == VALUES_MAX {
            return Err(PairError::TooMany);
        }
        let (name, value) = pair?;
        insert_first(&mut fields, name, value);
    }
    Ok(fields)
}

fn pairs(text: &[u8]) -> impl Iterator<Item = Result<(Text<'_>, Text<'_>), PairError>> {
    text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        if pair.contains(&b';') {
            return Err(PairError::Semicolon);
        }
        let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
            Some(at) => (&pair[..at], &pair[at + 1..]),
            None => (pair, &b""[..]),
        };
        Ok((unescape(name)?, unescape(value)?))
    })
}

/// Decodes `%41` and `+`.
fn unescape(text: &[u8]) -> Result<Text<'_>, PairError> {
    if !text.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return Ok(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'+' => decoded.push(b' '),
            b'%' => {
                let (digits, after) = rest.split_at_checked(2).ok_or(PairError::Escape)?;
                let mut value = [0];
                hex::decode_to_slice(digits, &mut value).map_err(|_| PairError::Escape)?;
                decoded.push(value[0]);
                rest = after;
            }
            other => decoded.push(other),
        }
    }
    Ok(Cow::Owned(decoded))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json_text;

    fn json(fields: &Object<'_>) -> String {
        let mut text = Vec::new();
        json_text::write_object(fields, &mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn queries_skip_and_forms_refuse_what_does_not_decode() {
        #[track_caller]
        fn check(text: &str, query: &str, form: Result<&str, PairError>) {
            assert_eq!(json(&pairs_that_decode(text.as_bytes())), query, "query {text}");
            assert_eq!(all_pairs(text.as_bytes()).map(|f| json(&f)), form.map(str::to_owned), "form {text}");
        }
        check("", "{}", Ok("{}"));
        check("a=1&b=two%20words&a=3", r#"{"a":"1","b":"two words"}"#, Ok(r#"{"a":"1","b":"two words"}"#));
        check("a=%zz&b=ok", r#"{"b":"ok"}"#, Err(PairError::Escape));
        check("a=%4", "{}", Err(PairError::Escape));
        check("a;b=1", "{}", Err(PairError::Semicolon));
        check("=noname", r#"{"":"noname"}"#, Ok(r#"{"":"noname"}"#));
        check("a", r#"{"a":""}"#, Ok(r#"{"a":""}"#));
        check("&&a=1&", r#"{"a":"1"}"#, Ok(r#"{"a":"1"}"#));
        check("%61=a%2Bb+c", r#"{"a":"a+b c"}"#, Ok(r#"{"a":"a+b c"}"#));
        check("a=b=c", r#"{"a":"b=c"}"#, Ok(r#"{"a":"b=c"}"#));
    }
}
