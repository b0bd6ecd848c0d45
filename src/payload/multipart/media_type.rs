//! Header values of the form `name; parameter=value`, with the parameters of RFC 2231.

use std::collections::BTreeMap;

pub(super) struct MediaType {
    /// In lower case.
    pub(super) name: Vec<u8>,
    parameters: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl MediaType {
    /// `None` when anything about it is wrong.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let end = memchr::memchr(b';', value).unwrap_or(value.len());
        let (name, mut rest) = value.split_at(end);
        let name = name.trim_ascii().to_ascii_lowercase();
        let mut words = name.split(|byte| *byte == b'/');
        let are_tokens = words.by_ref().take(2).all(|word| token(word) == Some((word, b"")));
        if !are_tokens || words.next().is_some() {
            return None;
        }
        let mut parameters = BTreeMap::new();
        while !matches!(rest.trim_ascii(), b"" | b";") {
            let (key, value, after) = parameter(rest.trim_ascii_start())?;
            match parameters.insert(key, value.clone()) {
                Some(other) if other != value => return None,
                _ => rest = after,
            }
        }
        Some(Self { name, parameters })
    }

    /// The value of a parameter: decoded, and put together from its pieces.
    pub(super) fn parameter(&self, name: &str) -> Option<Vec<u8>> {
        self.in_pieces(name).or_else(|| self.parameters.get(name.as_bytes()).cloned())
    }

    fn in_pieces(&self, name: &str) -> Option<Vec<u8>> {
        let piece = |key: String| self.parameters.get(key.as_bytes());
        if let Some(encoded) = piece(format!("{name}*")) {
            return decoded_with_charset(encoded);
        }
        let mut whole = None;
        for number in 0.. {
            let text = match (piece(format!("{name}*{number}")), piece(format!("{name}*{number}*"))) {
                (Some(text), _) => text.clone(),
                (None, Some(encoded)) if number == 0 => decoded_with_charset(encoded).unwrap_or_default(),
                (None, Some(encoded)) => decoded(encoded).unwrap_or_default(),
                (None, None) => break,
            };
            whole.get_or_insert_with(Vec::new).extend(text);
        }
        whole
    }
}

/// `; key=value` from the front of `text`, the key in lower case, and what follows.
fn parameter(text: &[u8]) -> Option<(Vec<u8>, Vec<u8>, &[u8])> {
    let (key, rest) = token(text.strip_prefix(b";")?.trim_ascii_start())?;
    let rest = rest.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (value, rest) = match rest.strip_prefix(b"\"") {
        Some(quoted) => quoted_text(quoted)?,
        None => token(rest).map(|(value, rest)| (value.to_vec(), rest))?,
    };
    Some((key.to_ascii_lowercase(), value, rest))
}

/// The token at the front of `text`, which is not empty, and what follows.
fn token(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_token = |byte: &&u8| byte.is_ascii_graphic() && !is_special(**byte);
    let length = text.iter().take_while(is_token).count();
    (length > 0).then(|| text.split_at(length))
}

/// What stands before the next quote, and what follows it. A backslash counts before a special character
/// only: browsers once sent whole paths.
fn quoted_text(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut value = Vec::new();
    let mut rest = text;
    loop {
        match rest {
            [b'"', after @ ..] => return Some((value, after)),
            [b'\\', special, after @ ..] if is_special(*special) => {
                value.push(*special);
                rest = after;
            }
            [] | [b'\r' | b'\n', ..] => return None,
            [byte, after @ ..] => {
                value.push(*byte);
                rest = after;
            }
        }
    }
}

fn is_special(byte: u8) -> bool {
    b"()<>@,;:\\\"/[]?=".contains(&byte)
}

/// `utf-8'language'text` with percent signs.
fn decoded_with_charset(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut pieces = encoded.splitn(3, |byte| *byte == b'\'');
    let charset = pieces.next()?.to_ascii_lowercase();
    let text = pieces.nth(1)?;
    matches!(charset.as_slice(), b"us-ascii" | b"utf-8").then(|| decoded(text))?
}

fn decoded(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut pieces = encoded.split(|byte| *byte == b'%').skip(1);
    let is_escape = |piece: &[u8]| matches!(piece, [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit());
    pieces.all(is_escape).then(|| percent_encoding::percent_decode(encoded).collect())
}
