//! The line of a hooks file that a report shows, with the part of it that is meant, and without secrets.

use super::node::Position;
use crate::nearest::nearest;
use crate::secrecy::random_parts;

/// Characters shown before and after the place. Hooks files made by programs may be one long line.
const AROUND_CHARACTERS: usize = 100;
/// A shorter secret is not looked for: it would blot out parts of other words.
const SECRET_CHARACTERS_MIN: usize = 4;
/// Keys whose value is a secret.
const SECRET_KEYS: [&str; 2] = ["secret", "verify-token"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Excerpt {
    pub(crate) line: String,
    /// The part that is meant, in bytes of `line`.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The line begins further left than this does.
    pub(crate) is_cut: bool,
}

impl Excerpt {
    /// The line at `position` of `text`, with `secrets` masked. `None` when there is no such line.
    pub(super) fn at(text: &str, position: Position, secrets: &[String]) -> Option<Self> {
        let line = line_at(text, position.line)?;
        let characters: Vec<char> = masked(line, secrets).chars().collect();
        let start = position.column.checked_sub(1)?.min(characters.len());
        let end = token_end(&characters, start).max((start + 1).min(characters.len()));
        let first = start.saturating_sub(AROUND_CHARACTERS);
        let last = (start + AROUND_CHARACTERS).min(characters.len());
        let end = end.min(last);
        let text_of = |from: usize, to: usize| characters.get(from..to).unwrap_or_default().iter().collect();
        let before: String = text_of(first, start);
        let meant: String = text_of(start, end);
        let mut line: String = text_of(first, last);
        if last < characters.len() {
            line.push('…');
        }
        Some(Self { start: before.len(), end: before.len() + meant.len(), line, is_cut: first > 0 })
    }

    /// The position of the byte `offset` of a scalar that begins at `position` and reads as `value`.
    /// Where the text is written otherwise, with escapes or over several lines, it is the scalar's.
    pub(super) fn position_inside(text: &str, position: Position, value: &str, offset: usize) -> Position {
        let Some(line) = line_at(text, position.line) else { return position };
        let written: String = line.chars().skip(position.column.saturating_sub(1)).collect();
        let quote = usize::from(written.starts_with(['"', '\'']));
        let is_verbatim = written.get(quote..).is_some_and(|rest| rest.starts_with(value));
        let Some(before) = value.get(..offset).filter(|_| is_verbatim && !value.is_empty()) else {
            return position;
        };
        Position { line: position.line, column: position.column + quote + before.chars().count() }
    }
}

/// The line by its number from 1, without its end. YAML has more line ends than LF.
pub(super) fn line_at(text: &str, number: usize) -> Option<&str> {
    let mut rest = text;
    let mut left = number.checked_sub(1)?;
    loop {
        let end = rest.find(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']);
        if left == 0 {
            return Some(end.map_or(rest, |end| &rest[..end]));
        }
        let after = &rest[end?..];
        let mut characters = after.chars();
        let is_pair = characters.next() == Some('\r') && characters.next() == Some('\n');
        rest = if is_pair { &after[2..] } else { &after[after.chars().next()?.len_utf8()..] };
        left -= 1;
    }
}

/// Where the key, scalar or bracket that begins at `start` ends.
fn token_end(characters: &[char], start: usize) -> usize {
    let rest = characters.get(start..).unwrap_or_default();
    let length = match rest.first() {
        None => 0,
        Some('"') => closing(rest, '"', Some('\\')),
        Some('\'') => closing(rest, '\'', None),
        Some('{' | '[') => 1,
        Some(_) => {
            let is_in_brackets =
                characters.get(..start).unwrap_or_default().iter().any(|c| "{[".contains(*c));
            let ends = |at: usize| match rest.get(at) {
                Some(':') => rest.get(at + 1).is_none_or(|next| next.is_whitespace()),
                Some('#') => at > 0 && rest.get(at - 1).is_some_and(|before| before.is_whitespace()),
                Some(',' | '}' | ']') => is_in_brackets,
                _ => false,
            };
            (0..rest.len()).find(|at| ends(*at)).unwrap_or(rest.len())
        }
    };
    let meant = rest.get(..length).unwrap_or_default();
    let blanks = meant.iter().rev().take_while(|character| character.is_whitespace()).count();
    start + length - blanks
}

fn closing(quoted: &[char], quote: char, escape: Option<char>) -> usize {
    let mut at = 1;
    while let Some(character) = quoted.get(at) {
        if Some(*character) == escape {
            at += 1;
        } else if *character == quote {
            return at + 1;
        }
        at += 1;
    }
    quoted.len()
}

/// `line` with a star for every character of a secret, and of what looks like one.
fn masked(line: &str, secrets: &[String]) -> String {
    let mut masked = line.to_owned();
    for part in secrets.iter().flat_map(|secret| secret.lines()).map(str::trim) {
        if part.chars().count() >= SECRET_CHARACTERS_MIN {
            masked = masked.replace(part, &"*".repeat(part.chars().count()));
        }
    }
    for part in random_parts(&masked) {
        // All of it is ASCII.
        let stars = "*".repeat(part.len());
        masked.replace_range(part, &stars);
    }
    let mut characters: Vec<char> = masked.chars().collect();
    for end in ends_of_secret_keys(&characters) {
        mask_value(&mut characters, end);
    }
    characters.into_iter().collect()
}

/// The secrets that stand in `text`, by their keys, however it is to be read. When it cannot be read
/// (`is_unread`), what a rule compares with may be one as well.
pub(super) fn secrets_in(text: &str, is_unread: bool) -> Vec<String> {
    let mut secrets = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        for value in values_of_secret_keys(line, is_unread) {
            secrets.extend(scalars(value));
            if !matches!(value.trim(), "" | "[" | "|" | ">" | "|-" | ">-") {
                continue;
            }
            let indent = indent(line);
            while let Some(below) =
                lines.next_if(|below| below.trim().is_empty() || indent_of_item(below) > indent)
            {
                secrets.extend(scalars(below));
            }
        }
    }
    secrets
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// A list may begin in the column of its key.
fn indent_of_item(line: &str) -> usize {
    indent(line) + usize::from(line.trim_start().starts_with("- "))
}

/// What follows the keys of secrets in a line.
fn values_of_secret_keys(line: &str, is_unread: bool) -> Vec<&str> {
    let is_of_word = |letter: char| letter.is_alphanumeric() || "-_".contains(letter);
    let colons = line.match_indices(':').map(|(at, _)| at);
    let of_secret = colons.filter_map(|at| {
        let key = line.get(..at)?.trim_end_matches(['"', '\'']);
        let start = key.rfind(|letter| !is_of_word(letter)).map_or(0, |byte| byte + 1);
        let key = key.get(start..).unwrap_or_default().to_ascii_lowercase();
        let is_secret = key.contains("secret") || key.contains("token") || (is_unread && key == "value");
        is_secret.then(|| line.get(at + 1..))?
    });
    of_secret.collect()
}

/// The scalars at the beginning of `value`: one, or those of a list. Not the names of where a secret is.
fn scalars(value: &str) -> Vec<String> {
    let value = value.trim_start().trim_start_matches("- ").trim_start();
    let is_list = value.starts_with('[');
    let mut rest = value.trim_start_matches('[');
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start();
        let (scalar, after) = match rest.chars().next() {
            None | Some('{' | '#' | ']' | '|' | '>' | '&' | '*') => break,
            Some(quote @ ('"' | '\'')) => {
                let inner = rest.get(1..).unwrap_or_default();
                inner.split_once(quote).unwrap_or((inner, ""))
            }
            Some(_) => {
                let end = rest.find([',', ']', '}']).or_else(|| rest.find(" #")).unwrap_or(rest.len());
                rest.split_at(end)
            }
        };
        found.push(scalar.trim().to_owned());
        match after.trim_start().strip_prefix(',') {
            Some(next) if is_list => rest = next,
            _ => break,
        }
    }
    found.retain(|scalar| scalar.chars().count() >= SECRET_CHARACTERS_MIN && !scalar.contains('/'));
    found
}

/// Where the words of a line end that are, or were meant to be, keys of a secret.
fn ends_of_secret_keys(characters: &[char]) -> Vec<usize> {
    let is_of_word = |at: usize| {
        characters.get(at).is_some_and(|character| character.is_alphanumeric() || "-_".contains(*character))
    };
    let ends = (1..=characters.len()).filter(|end| is_of_word(end - 1) && !is_of_word(*end));
    let is_secret_key = |end: &usize| {
        let start = (0..*end).rev().take_while(|at| is_of_word(*at)).last().unwrap_or(*end);
        let word: String = characters.get(start..*end).unwrap_or_default().iter().collect();
        nearest(&word, &SECRET_KEYS).is_some()
    };
    ends.filter(is_secret_key).collect()
}

/// Masks the scalar after the key that ends at `end`.
fn mask_value(characters: &mut [char], end: usize) {
    let rest = characters.get(end..).unwrap_or_default();
    let quote = usize::from(rest.first().is_some_and(|character| "\"'".contains(*character)));
    if rest.get(quote) != Some(&':') {
        return;
    }
    let blanks = rest.iter().skip(quote + 1).take_while(|character| character.is_whitespace()).count();
    let start = end + quote + 1 + blanks;
    let mut stop = token_end(characters, start);
    if characters.get(stop) == Some(&':') {
        // A broken line: what follows may belong to the secret.
        stop = characters.len();
    }
    let Some(value) = characters.get_mut(start..stop) else { return };
    if value.first().is_some_and(|first| "{[&*".contains(*first)) {
        return;
    }
    for character in value.iter_mut().filter(|character| !"\"'".contains(**character)) {
        *character = '*';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_shown_as_far_as_it_goes() {
        #[track_caller]
        fn check(text: &str, line: usize, column: usize, meant: &str) {
            let excerpt = Excerpt::at(text, Position { line, column }, &[]).unwrap();
            assert_eq!(&excerpt.line[excerpt.start..excerpt.end], meant, "{text}");
        }
        check("- id: one # first", 1, 7, "one");
        check("- id: one # first", 1, 3, "id");
        check("- id: one two", 1, 7, "one two");
        check("a\r\nb: ünï\r\n", 2, 4, "ünï");
        check("[{\"id\": \"a\\\"b\", x: y}]", 1, 9, "\"a\\\"b\"");
        check("[{\"id\": 5, x: y}]", 1, 9, "5");
        check("x: {a: b}", 1, 4, "{");
        check("x: 'it''s'", 1, 4, "'it'");
        check("x:", 1, 9, "");
    }

    #[test]
    fn a_long_line_is_cut() {
        let text = format!("[{}5]", "1, ".repeat(10_000));
        let excerpt = Excerpt::at(&text, Position { line: 1, column: 30_002 }, &[]).unwrap();
        assert_eq!(&excerpt.line[excerpt.start..excerpt.end], "5");
        assert!(excerpt.line.len() < 300);
    }

    #[test]
    fn secrets_are_masked() {
        #[track_caller]
        fn check(line: &str, expected: &str) {
            assert_eq!(masked(line, &["hunter22".to_owned()]), expected);
        }
        check("  value: hunter22", "  value: ********");
        check("  secret: other # x", "  secret: ***** # x");
        check(r#"{"secret": "o\"ther", "b": 1}"#, r#"{"secret": "**"****", "b": 1}"#);
        check("  Secret: {env: NAME}", "  Secret: {env: NAME}");
        check("  - hunter22", "  - ********");
        check("a secret", "a secret");
        check("secret:", "secret:");
        check("  name: 9f86d081884c7d659a2feaa0c55ad015", "  name: ********************************");
    }

    #[test]
    fn secrets_are_found_in_whatever_is_written() {
        #[track_caller]
        fn check(text: &str, is_unread: bool, expected: &[&str]) {
            assert_eq!(secrets_in(text, is_unread), expected, "{text}");
        }
        check("  secret: hunter22 # x\n  id: a\n", false, &["hunter22"]);
        check("[{\"secret\": \"hunter22\", \"id\": 1}]", false, &["hunter22"]);
        check("  secret: [hunter22, 'swordfish']\n", false, &["hunter22", "swordfish"]);
        check(
            "  secret:\n    - hunter22\n    - swordfish\n  id: abcdef\n",
            false,
            &["hunter22", "swordfish"],
        );
        check("  secret:\n  - hunter22\n  id: abcdef\n", false, &["hunter22"]);
        check("  secret: {env: VARIABLE}\n", false, &[]);
        check("  verify-token: |\n    hunter22\n  id: abcdef\n", false, &["hunter22"]);
        check("  value: hunter22\n", false, &[]);
        check("  value: hunter22\n", true, &["hunter22"]);
        check("  secret: 'hunter22\n", true, &["hunter22"]);
    }

    #[test]
    fn a_place_inside_a_scalar_is_found_where_it_is_written_plainly() {
        #[track_caller]
        fn check(line: &str, value: &str, offset: usize, column: usize) {
            let position = Position { line: 1, column: 4 };
            assert_eq!(Excerpt::position_inside(line, position, value, offset).column, column, "{line}");
        }
        check("r: a(b", "a(b", 1, 5);
        check("r: 'é(b'", "é(b", 2, 6);
        check(r#"r: "\\(""#, r"\(", 1, 4);
        check("r: |", "a(b", 1, 4);
    }
}
