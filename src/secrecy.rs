//! Which names and which texts are those of secrets. Nobody can tell for certain: what may be one is not shown,
//! and what is probably one counts as a guard.

use std::ops::Range;

/// Parts of names that are said of secrets and of what is made with them.
const PARTS: [&str; 9] =
    ["token", "secret", "signature", "passw", "authorization", "cookie", "hmac", "credential", "apikey"];
/// Words of names, between dashes, dots and the like.
const WORDS: [&str; 7] = ["key", "sig", "auth", "pass", "pwd", "mac", "digest"];
/// Words before a token, which are none.
const SCHEMES: [&str; 8] = ["bearer", "basic", "digest", "token", "apikey", "sha1", "sha256", "sha512"];

/// A shorter text is guessed in an afternoon, whatever it is called.
const TOKEN_CHARACTERS_MIN: usize = 6;
/// A shorter text is a word, a number or a date.
const RANDOM_CHARACTERS_MIN: usize = 16;
/// Of as many characters one at least is a digit beside a letter, in what a generator of secrets makes.
const CHARACTERS_TO_A_CHANGE: usize = 8;

/// Whether a header, parameter or field is named as those that hold secrets or signatures.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let mut words = name.split(|letter: char| !letter.is_alphanumeric());
    PARTS.iter().any(|part| name.contains(part)) || words.any(|word| WORDS.contains(&word))
}

/// Whether a part of `text` is long and without sense, as what `openssl rand` prints.
pub(crate) fn looks_random(text: &str) -> bool {
    !random_parts(text).is_empty()
}

/// The parts of `text` that are long and without sense, in bytes.
pub(crate) fn random_parts(text: &str) -> Vec<Range<usize>> {
    words(text).filter(|word| text.get(word.clone()).is_some_and(is_random)).collect()
}

/// Whether `text` compared with a parameter of a secret's name asks for a secret, and not for `Bearer `.
pub(crate) fn is_token(text: &str) -> bool {
    let is_long = |word: &str| {
        let letters = word.trim_matches('=');
        letters.chars().count() >= TOKEN_CHARACTERS_MIN
            && !SCHEMES.contains(&letters.to_ascii_lowercase().as_str())
    };
    words(text).any(|word| text.get(word).is_some_and(is_long))
}

/// The same of a pattern: what it asks for letter by letter.
pub(crate) fn literals(pattern: &str) -> String {
    let mut literals = String::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                // `\-` stands for itself, `\w` for many.
                let escaped = letters.next().filter(|letter| !letter.is_alphanumeric());
                literals.push(escaped.unwrap_or(' '));
            }
            '[' => {
                let _ = letters.by_ref().take_while(|letter| *letter != ']').count();
                literals.push(' ');
            }
            letter if "^$.*?+|(){}".contains(letter) => literals.push(' '),
            letter => literals.push(letter),
        }
    }
    literals
}

/// Runs of the letters that secrets are written with; a slash is in paths more often than in those.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let is_of_word = |letter: char| letter.is_ascii_alphanumeric() || "+=_-".contains(letter);
    text.split(move |letter: char| !is_of_word(letter)).map(|word| {
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        start..start + word.len()
    })
}

fn is_random(word: &str) -> bool {
    let letters = word.as_bytes();
    let is_change = |pair: &[u8]| match pair {
        [one, other] => {
            (one.is_ascii_digit() && other.is_ascii_alphabetic())
                || (one.is_ascii_alphabetic() && other.is_ascii_digit())
        }
        _ => false,
    };
    let changes = letters.windows(2).filter(|pair| is_change(pair)).count();
    letters.len() >= RANDOM_CHARACTERS_MIN && changes >= letters.len().div_ceil(CHARACTERS_TO_A_CHANGE).max(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known() {
        #[track_caller]
        fn check(name: &str, expected: bool) {
            assert_eq!(is_secret_name(name), expected, "{name}");
        }
        for name in
            ["X-Gitlab-Token", "access_token", "authorization", "x-sig", "a.api.key", "ApiKey", "password"]
        {
            check(name, true);
        }
        for name in ["ref", "X-GitHub-Event", "repository.keywords", "signed", "author.name", "design"] {
            check(name, false);
        }
    }

    #[test]
    fn what_a_generator_made_is_told_from_what_has_a_sense() {
        #[track_caller]
        fn check(text: &str, expected: bool) {
            assert_eq!(looks_random(text), expected, "{text}");
        }
        check("9f86d081884c7d659a2feaa0c55ad015", true);
        check("dGhpcyBpcyBhIHNlY3JldCB0b2tlbiE5", true);
        check("123e4567-e89b-12d3-a456-426614174000", true);
        check("Bearer kX7pQ2mN9vR4tY6w", true);
        check("push", false);
        check("refs/heads/release-2024-01", false);
        check("2026-01-01T12:00:00Z", false);
        check("application/vnd.github.v3+json", false);
        check("https://example.org/hooks/deploy1", false);
        check("/usr/local/bin/python3", false);
        check("/tmp/.tmp1a2B3c/office-1/hooks2", false);
        check("00000000000000000000000000000000", false);
        check("correct-horse-battery-staple", false);
    }

    #[test]
    fn a_token_is_more_than_the_word_before_it() {
        #[track_caller]
        fn check(text: &str, expected: bool) {
            assert_eq!(is_token(text), expected, "{text}");
        }
        check("hunter22", true);
        check("Basic dXNlcjpwYXNz", true);
        check("Bearer ", false);
        check("sha256=", false);
        check("a", false);
        check("", false);
    }

    #[test]
    fn of_a_pattern_the_letters_count() {
        #[track_caller]
        fn check(pattern: &str, asks_for_a_token: bool) {
            assert_eq!(is_token(&literals(pattern)), asks_for_a_token, "{pattern}");
        }
        check("^Bearer hunter22$", true);
        check(r"^hunter\-22$", true);
        check("^Bearer .+$", false);
        check("^[A-Za-z0-9]{32}$", false);
        check(r"^\w+abc", false);
        check("", false);
    }
}
