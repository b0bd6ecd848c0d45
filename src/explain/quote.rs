//! Texts for a terminal: nothing in them can move the cursor, and a shell reads arguments back as they were.

use std::fmt::Write;

/// Characters of one value that are shown.
const SHOWN_CHARACTERS_MAX: usize = 300;

/// In double quotes, cut when it is long.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS_MAX) {
        Some((end, _)) => format!("{:?}… ({} bytes)", text.get(..end).unwrap_or_default(), text.len()),
        None => format!("{text:?}"),
    }
}

/// As a POSIX shell reads it; control characters and bytes that are no UTF-8 in the form `$'\x1b'`.
pub(super) fn shell_quoted(bytes: &[u8]) -> String {
    let text = str::from_utf8(bytes).ok().filter(|text| !text.chars().any(is_unsafe));
    let Some(text) = text else { return dollar_quoted(bytes) };
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_./:=@%+,".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Control characters, and those that turn the direction of what follows.
fn is_unsafe(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn dollar_quoted(bytes: &[u8]) -> String {
    let mut quoted = String::from("$'");
    let escape_all = |bytes: &[u8], quoted: &mut String| {
        for byte in bytes {
            // Writing to a String cannot fail.
            let _ = write!(quoted, "\\x{byte:02x}");
        }
    };
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '\n' => quoted.push_str("\\n"),
                '\t' => quoted.push_str("\\t"),
                '\r' => quoted.push_str("\\r"),
                '\'' | '\\' => quoted.extend(['\\', letter]),
                letter if is_unsafe(letter) => {
                    escape_all(letter.encode_utf8(&mut [0; 4]).as_bytes(), &mut quoted);
                }
                letter => quoted.push(letter),
            }
        }
        escape_all(chunk.invalid(), &mut quoted);
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted_for_a_shell() {
        #[track_caller]
        fn check(argument: &[u8], expected: &str) {
            assert_eq!(shell_quoted(argument), expected);
        }
        check(b"/opt/deploy", "/opt/deploy");
        check(b"", "''");
        check(b"two words", "'two words'");
        check(b"$HOME", "'$HOME'");
        check(b"it's", r"'it'\''s'");
        check("grün".as_bytes(), "grün");
        check(b"a\nb\\'\x1b", r"$'a\nb\\\'\x1b'");
        check(b"\xff\xfe", r"$'\xff\xfe'");
        check("\u{202e}x".as_bytes(), r"$'\xe2\x80\xaex'");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(quoted("a\u{1b}\n"), r#""a\u{1b}\n""#);
        let long = quoted(&"ü".repeat(301));
        assert!(long.ends_with("ü\"… (602 bytes)"), "{long}");
    }
}
