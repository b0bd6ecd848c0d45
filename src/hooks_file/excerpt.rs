//! The line of a hooks file that a report shows, with the part of it that is meant, and without secrets.

use super::masking::Masking;
use super::node::Position;

/// Characters shown before and after the place. Hooks files made by programs may be one long line.
const AROUND_CHARACTERS: usize = 100;

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
    /// The line at `position` of `text`, with its secrets masked. `None` when there is no such line.
    pub(super) fn at(text: &str, position: Position, masking: &Masking) -> Option<Self> {
        let line = line_at(text, position.line)?;
        let characters: Vec<char> = masking.masked(line).chars().collect();
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
pub(super) fn token_end(characters: &[char], start: usize) -> usize {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_shown_as_far_as_it_goes() {
        #[track_caller]
        fn check(text: &str, line: usize, column: usize, meant: &str) {
            let excerpt = Excerpt::at(text, Position { line, column }, &Masking::default()).unwrap();
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
        let excerpt = Excerpt::at(&text, Position { line: 1, column: 30_002 }, &Masking::default()).unwrap();
        assert_eq!(&excerpt.line[excerpt.start..excerpt.end], "5");
        assert!(excerpt.line.len() < 300);
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
