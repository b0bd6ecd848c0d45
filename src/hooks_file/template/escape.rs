//! Go's ways to escape a text, and to read its quoted constants. Bytes that are not UTF-8 are kept.

use std::fmt::Write;

/// The characters of a text; a byte that belongs to none is an `Err`.
pub(super) fn characters(text: &[u8]) -> impl Iterator<Item = Result<char, u8>> + '_ {
    text.utf8_chunks()
        .flat_map(|chunk| chunk.valid().chars().map(Ok).chain(chunk.invalid().iter().copied().map(Err)))
}

/// For a JavaScript, JSON or YAML string: `js`. Go writes `\'`, which neither JSON nor YAML reads.
pub(super) fn js(text: &[u8]) -> Vec<u8> {
    let mut output = Vec::with_capacity(text.len());
    for character in characters(text) {
        match character {
            Ok(character @ ('\\' | '"')) => output.extend([b'\\', character as u8]),
            Ok(character @ ('\'' | '<' | '>' | '&' | '=' | '\0'..='\x1f')) => {
                push_unicode(&mut output, character)
            }
            Ok(character) if character.is_ascii() || is_printable(character) => push(&mut output, character),
            Ok(character) => push_unicode(&mut output, character),
            Err(byte) => output.push(byte),
        }
    }
    output
}

fn push_unicode(output: &mut Vec<u8>, character: char) {
    output.extend(format!("\\u{:04X}", u32::from(character)).bytes());
}

fn push(output: &mut Vec<u8>, character: char) {
    output.extend(character.encode_utf8(&mut [0; 4]).bytes());
}

/// For HTML text and attributes: `html`.
pub(super) fn html(text: &[u8]) -> Vec<u8> {
    let mut output = Vec::with_capacity(text.len());
    for &byte in text {
        match byte {
            0 => output.extend("\u{fffd}".bytes()),
            b'"' => output.extend(b"&#34;"),
            b'\'' => output.extend(b"&#39;"),
            b'&' => output.extend(b"&amp;"),
            b'<' => output.extend(b"&lt;"),
            b'>' => output.extend(b"&gt;"),
            _ => output.push(byte),
        }
    }
    output
}

/// For a URL's query: `urlquery`.
pub(super) fn url_query(text: &[u8]) -> Vec<u8> {
    let mut output = Vec::with_capacity(text.len());
    for &byte in text {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => output.push(byte),
            b' ' => output.push(b'+'),
            _ => output.extend(format!("%{byte:02X}").bytes()),
        }
    }
    output
}

/// As a Go constant between `mark`s: `%q`.
pub(super) fn quote(text: &[u8], mark: char, ascii: bool) -> String {
    let mut output = String::from(mark);
    for character in characters(text) {
        match character {
            Ok(character) if character == mark || character == '\\' => output.extend(['\\', character]),
            Ok(character) if is_printable(character) && (!ascii || character.is_ascii()) => {
                output.push(character);
            }
            Ok(character) => output.push_str(&escaped(character)),
            Err(byte) => {
                // Writing to a text cannot fail.
                let _ = write!(output, "\\x{byte:02x}");
            }
        }
    }
    output.push(mark);
    output
}

fn escaped(character: char) -> String {
    let code = u32::from(character);
    match character {
        '\x07' => "\\a".into(),
        '\x08' => "\\b".into(),
        '\x0c' => "\\f".into(),
        '\n' => "\\n".into(),
        '\r' => "\\r".into(),
        '\t' => "\\t".into(),
        '\x0b' => "\\v".into(),
        '\0'..='\x7f' => format!("\\x{code:02x}"),
        '\u{80}'..='\u{ffff}' => format!("\\u{code:04x}"),
        _ => format!("\\U{code:08x}"),
    }
}

/// Whether a text can stand between backquotes.
pub(super) fn is_raw(text: &[u8]) -> bool {
    characters(text).all(|character| match character {
        Ok('`' | '\x7f' | '\u{feff}') | Err(_) => false,
        Ok(character) => character == '\t' || character >= ' ',
    })
}

/// Go's `unicode.IsPrint`. The standard library knows the same set, but shows it only in what
/// `escape_debug` leaves alone, and there not for the first character of a text.
pub(super) fn is_printable(character: char) -> bool {
    match character.is_ascii() {
        true => (' '..='~').contains(&character),
        false => String::from_iter(['x', character]).escape_debug().nth(1) == Some(character),
    }
}

/// What a constant says that is written between `"`, `'` or backquotes.
pub(super) fn unquote(constant: &str) -> Option<Vec<u8>> {
    let mut characters = constant.chars();
    let mark = characters.next()?;
    characters.next_back().filter(|&last| last == mark)?;
    if mark == '`' {
        return Some(characters.as_str().replace('\r', "").into_bytes());
    }
    let mut output = Vec::new();
    while let Some(character) = characters.next() {
        if character != '\\' {
            push(&mut output, character);
            continue;
        }
        let escape = characters.next()?;
        let mut code = |length, radix| {
            let (digits, rest) = characters.as_str().split_at_checked(length)?;
            characters = rest.chars();
            digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(())?;
            u32::from_str_radix(digits, radix).ok()
        };
        match escape {
            'a' => output.push(0x07),
            'b' => output.push(0x08),
            'f' => output.push(0x0c),
            'n' => output.push(b'\n'),
            'r' => output.push(b'\r'),
            't' => output.push(b'\t'),
            'v' => output.push(0x0b),
            '\\' => output.push(b'\\'),
            'x' => output.push(u8::try_from(code(2, 16)?).ok()?),
            '0'..='7' => {
                let high = escape.to_digit(8)? * 64;
                output.push(u8::try_from(high + code(2, 8)?).ok()?);
            }
            'u' => push(&mut output, char::from_u32(code(4, 16)?)?),
            'U' => push(&mut output, char::from_u32(code(8, 16)?)?),
            _ if escape == mark => push(&mut output, escape),
            _ => return None,
        }
    }
    Some(output)
}
