//! Which names stand in the source of a template. The engine's own list leaves some out: the expression of a
//! slice, the arguments of a filter block, a name that the template gives a second meaning.

use super::Name;

/// All names that may be in use: rather one too many.
pub(super) fn in_source(source: &str) -> Vec<Name> {
    let words = words_in_tags(source);
    Name::ALL.into_iter().filter(|name| words.contains(&name.as_str())).collect()
}

/// Whether the engine's list may lack something of this source.
pub(super) fn may_hide_some(source: &str) -> bool {
    let has_slice = source.find('[').is_some_and(|at| source[at..].contains(':'));
    source.contains("{%") || has_slice
}

/// The words within `{{…}}` and `{%…%}` that are neither in quotes nor looked up below something.
fn words_in_tags(source: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        let (inside, after) = rest[at..].split_at(2);
        rest = take_tag(after, if inside == "{{" { "}}" } else { "%}" }, &mut words);
    }
    words
}

/// Gives what comes after the tag.
fn take_tag<'s>(mut rest: &'s str, end: &str, words: &mut Vec<&'s str>) -> &'s str {
    let is_of_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut open_brackets = 0_usize;
    let mut is_below = false;
    while let Some(letter) = rest.chars().next() {
        if open_brackets == 0 && rest.starts_with(end) {
            return &rest[end.len()..];
        }
        let length = match letter {
            '"' | '\'' => quoted_len(rest, letter),
            _ if is_of_word(letter) => rest.find(|letter| !is_of_word(letter)).unwrap_or(rest.len()),
            _ => letter.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        match letter {
            '(' | '[' | '{' => open_brackets += 1,
            ')' | ']' | '}' => open_brackets = open_brackets.saturating_sub(1),
            _ if is_of_word(letter) && !is_below => words.push(token),
            _ => {}
        }
        if !letter.is_whitespace() {
            is_below = letter == '.';
        }
        rest = after;
    }
    rest
}

/// With both quotes; a quote that nothing ends is a letter.
fn quoted_len(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if letter == quote => return at + 1,
            _ => {}
        }
    }
    1
}
