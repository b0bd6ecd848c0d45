//! What of a hooks file is not shown: the secrets that stand in it.

use super::excerpt::token_end;
use super::keys;
use crate::nearest::nearest;
use crate::reference::Reference;
use crate::secrecy::random_parts;
use crate::sender;

/// A shorter secret is not looked for: it would blot out parts of other words.
const SECRET_CHARACTERS_MIN: usize = 4;
/// Keys whose value is a secret.
const SECRET_KEYS: [&str; 3] = ["secret", "verify-token", "encoding-aes-key"];

/// What is not shown of a file.
#[derive(Debug, Default)]
pub(super) struct Masking {
    secrets: Vec<String>,
    /// What stands where is not known: only what is known to be none is shown.
    is_unread: bool,
}

impl Masking {
    /// `found`: secrets in the file, by what it says.
    pub(super) fn new(text: &str, is_unread: bool, found: impl IntoIterator<Item = String>) -> Self {
        Self { secrets: found.into_iter().chain(secrets_in(text)).collect(), is_unread }
    }

    /// `line` with a star for every character of a secret, and of what looks like one.
    pub(super) fn masked(&self, line: &str) -> String {
        let masked = masked(line, &self.secrets);
        if self.is_unread && !is_harmless(line) { without_values(&masked) } else { masked }
    }
}

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

/// Whether a line is one key, whose value is no secret.
fn is_harmless(line: &str) -> bool {
    let item = line.trim().trim_start_matches("- ").trim_end_matches(',');
    let Some((key, value)) = item.split_once(':') else { return false };
    let key = key.trim_matches(['"', '\'']);
    let is_known = keys::is_known(keys::HOOK, key) || HARMLESS.contains(&key.to_ascii_lowercase().as_str());
    is_known && !value.contains(['{', '[', ',']) && !value.contains(": ") && !value.contains("\":")
}

/// Keys below a hook's own whose values are no secrets.
const HARMLESS: [&str; 8] = ["source", "name", "envname", "type", "regex", "ip-range", "sender", "by"];

/// Whether `word` is a key, or a word that a hooks file may have for a value: it tells nothing about its writer.
pub(super) fn is_of_language(word: &str) -> bool {
    let tables = [
        keys::HOOK,
        keys::REFERENCE,
        keys::HEADER,
        keys::RULE,
        keys::MATCH,
        keys::SECRET,
        keys::VERIFY,
        keys::DEDUPLICATE,
    ];
    let words =
        keys::MATCH_TYPES.iter().chain(&Reference::SOURCES).chain(&["true", "false", "GET", "POST", "PUT"]);
    tables.iter().any(|table| keys::is_known(table, word))
        || words.copied().any(|known| known == word)
        || sender::named(word).is_ok()
}

/// Only the words that are this program's own are left.
fn without_values(line: &str) -> String {
    let is_of_word = |letter: char| !letter.is_whitespace() && !"'\"{}[],:#".contains(letter);
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while !rest.is_empty() {
        let end = rest.find(|letter| !is_of_word(letter)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        match is_of_language(word) {
            true => masked.push_str(word),
            false => {
                masked.extend(word.chars().map(|letter| if letter.is_alphanumeric() { '*' } else { letter }))
            }
        }
        let mark = after.chars().next();
        masked.extend(mark);
        rest = after.get(mark.map_or(0, char::len_utf8)..).unwrap_or_default();
    }
    masked
}

/// The secrets that stand in `text`, by their keys, however it is to be read.
fn secrets_in(text: &str) -> Vec<String> {
    let mut secrets = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        for value in values_of_secret_keys(line) {
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
fn values_of_secret_keys(line: &str) -> Vec<&str> {
    let is_of_word = |letter: char| letter.is_alphanumeric() || "-_".contains(letter);
    let colons = line.match_indices(':').map(|(at, _)| at);
    let of_secret = colons.filter_map(|at| {
        let key = line.get(..at)?.trim_end_matches(['"', '\'']);
        let start = key.rfind(|letter| !is_of_word(letter)).map_or(0, |byte| byte + 1);
        let key = key.get(start..).unwrap_or_default().to_ascii_lowercase();
        let is_secret = ["secret", "token", "aes-key"].iter().any(|word| key.contains(word));
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
        fn check(text: &str, expected: &[&str]) {
            assert_eq!(secrets_in(text), expected, "{text}");
        }
        check("  secret: hunter22 # x\n  id: a\n", &["hunter22"]);
        check("[{\"secret\": \"hunter22\", \"id\": 1}]", &["hunter22"]);
        check("  secret: [hunter22, 'swordfish']\n", &["hunter22", "swordfish"]);
        check("  secret:\n    - hunter22\n    - swordfish\n  id: abcdef\n", &["hunter22", "swordfish"]);
        check("  secret:\n  - hunter22\n  id: abcdef\n", &["hunter22"]);
        check("  secret: {env: VARIABLE}\n", &[]);
        check("  verify-token: |\n    hunter22\n  id: abcdef\n", &["hunter22"]);
        check("  encoding-aes-key: hunter22\n  key-encoding: base64\n", &["hunter22"]);
        check("  secret: 'hunter22\n", &["hunter22"]);
    }

    #[test]
    fn of_a_file_that_cannot_be_read_only_the_structure_is_shown() {
        #[track_caller]
        fn check(line: &str, expected: &str) {
            assert_eq!(Masking::new("", true, []).masked(line), expected);
        }
        check("  execute-command: /bin/true", "  execute-command: /bin/true");
        check("    \"regex\": \"^\\d+$\",", "    \"regex\": \"^\\d+$\",");
        check("  secret hunter22", "  secret ********");
        check("  value: hunter-22", "  value: ******-**");
        check("- hunter22", "- ********");
        check("  verify: {sender: github, secret: x1", "  verify: {sender: github, secret: **");
        check("  sender: github secret: x1", "  sender: github secret: **");
        check("[{\"id\": \"a\", \"type\": \"value\"}", "[{\"id\": \"*\", \"type\": \"value\"}");
    }
}
