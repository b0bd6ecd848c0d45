//! What is wrong with a text that is neither YAML nor JSON, for whoever wrote it. The library says what it
//! wanted where it gave up; here the lines around that place are looked at for what people do.

mod brackets;
mod lines;

use super::excerpt::line_at;
use super::node::{Position, parse};
use lines::Lines;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) position: Position,
    pub(crate) message: String,
    /// Where that began which was being read.
    pub(crate) began: Option<Position>,
}

impl From<serde_yaml::Error> for SyntaxError {
    fn from(error: serde_yaml::Error) -> Self {
        let position =
            error.location().map(|at| Position { line: at.line(), column: at.column() }).unwrap_or_default();
        let written = error.to_string();
        let mut parts = written.split(" at line ");
        let mut message = parts.next().unwrap_or_default().to_owned();
        let mut began = None;
        for part in parts {
            let (at, rest) = position_of(part).unwrap_or_default();
            began = Some(at).filter(|at| *at != position && at.line > 0);
            message.push_str(if at.line > 0 { rest } else { part });
        }
        // The library does not name the first letter of a file.
        if began.is_none() && message.contains("while parsing a flow") {
            began = Some(Position { line: 1, column: 1 });
        }
        Self { position, message, began }
    }
}

/// `1 column 2` and what follows.
fn position_of(text: &str) -> Option<(Position, &str)> {
    let (line, rest) = text.split_once(" column ")?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    let (column, rest) = rest.split_at_checked(end)?;
    Some((Position { line: line.parse().ok()?, column: column.parse().ok()? }, rest))
}

/// Of the library's message about an escape that it does not know.
const ESCAPE: &str = "escape character";
const ESCAPED_APOSTROPHE: &str = "\\'";
/// Bytes that are read anew to find escaped apostrophes, which takes about a second.
const READ_ANEW_MAX: usize = 8 << 20;

/// `text` without the backslash of each `\'` in double quotes, where the reference reads an apostrophe and the library
/// nothing. Which quotes are double ones is seen by reading: where that fails, the text in quotes is mended. Places in
/// the file are those without the backslashes from then on.
pub(super) fn with_plain_apostrophes(mut text: String) -> String {
    if !text.contains(ESCAPED_APOSTROPHE) {
        return text;
    }
    for _ in 0..=READ_ANEW_MAX / text.len() {
        let Err(error) = parse(&text) else { break };
        match byte_at(&text, error.position) {
            Some(at) if error.message.contains(ESCAPE) && text[at..].starts_with(ESCAPED_APOSTROPHE) => {
                mend_apostrophes(&mut text, at);
            }
            _ => break,
        }
    }
    text
}

/// From `at` to the end of the text in double quotes.
fn mend_apostrophes(text: &mut String, at: usize) {
    let mut mended = String::new();
    let mut end = text.len();
    let mut is_escaped = false;
    for (index, letter) in text[at..].char_indices() {
        match letter {
            '"' if !is_escaped => {
                end = at + index;
                break;
            }
            '\'' if is_escaped => {
                mended.pop();
            }
            _ => {}
        }
        mended.push(letter);
        is_escaped = letter == '\\' && !is_escaped;
    }
    text.replace_range(at..end, &mended);
}

/// Where `position` is in `text`, in bytes.
fn byte_at(text: &str, position: Position) -> Option<usize> {
    let line = line_at(text, position.line)?;
    let (in_line, _) = line.char_indices().nth(position.column.checked_sub(1)?)?;
    Some(line.as_ptr().addr() - text.as_ptr().addr() + in_line)
}

/// A mistake in words: where it is, what it is and what to write instead.
#[derive(Debug)]
pub(super) struct Mistake {
    pub(super) position: Position,
    pub(super) message: String,
    pub(super) help: String,
}

fn at(position: Position, message: impl Into<String>, help: impl Into<String>) -> Option<Mistake> {
    Some(Mistake { position, message: message.into(), help: help.into() })
}

/// What was probably done wrong.
#[cold]
pub(super) fn mistake(text: &str, error: &SyntaxError) -> Mistake {
    let scene = Scene::new(text, error);
    let known: [fn(&Scene<'_>) -> Option<Mistake>; 18] = [
        |scene| scene.tab(),
        |scene| scene.control_character(),
        |scene| scene.escape(),
        |scene| scene.first_letter(),
        |scene| scene.marks(),
        |scene| scene.open_quote(),
        brackets::template,
        |scene| scene.after_quote(),
        brackets::no_key,
        brackets::unclosed,
        brackets::no_value,
        brackets::separator,
        brackets::needless,
        lines::colon_in_text,
        lines::space,
        lines::no_colon,
        lines::item,
        lines::key,
    ];
    known.iter().find_map(|mistake| mistake(&scene)).unwrap_or_else(|| Mistake {
        position: error.position,
        message: error.message.clone(),
        help: "look at this line and the one before: indentation, quotes, brackets, a missing colon"
            .to_owned(),
    })
}

/// What follows the first document, which is all that is read.
#[cold]
pub(super) fn more(text: &str, position: Position) -> Mistake {
    let is_mark = |number: usize| line_at(text, number).is_some_and(|line| line.starts_with("---"));
    let message = match (1..=position.line).rev().take(2).any(is_mark) {
        true => "only the first document of the file is read, and another follows after `---`",
        false => "the list of hooks has ended: what follows is not read",
    };
    let help = "put all hooks into one list, and remove what follows it";
    Mistake { position, message: message.to_owned(), help: help.to_owned() }
}

/// The place where the library gave up, and what is around it.
struct Scene<'t> {
    text: &'t str,
    message: &'t str,
    position: Position,
    began: Option<Position>,
    lines: Lines<'t>,
    /// The line up to the place, and from it on.
    before: String,
    rest: String,
}

impl<'t> Scene<'t> {
    fn new(text: &'t str, error: &'t SyntaxError) -> Self {
        let position = error.position;
        let line = line_at(text, position.line).unwrap_or_default();
        let split = position.column.saturating_sub(1);
        Self {
            text,
            message: &error.message,
            position,
            began: error.began,
            lines: Lines::new(text),
            before: line.chars().take(split).collect(),
            rest: line.chars().skip(split).collect(),
        }
    }

    fn says(&self, words: &str) -> bool {
        self.message.contains(words)
    }

    fn letter_at(&self, position: Position) -> Option<char> {
        self.lines.get(position.line).chars().nth(position.column.checked_sub(1)?)
    }

    fn is_json(&self) -> bool {
        self.text.trim_start().starts_with(['[', '{'])
    }

    fn tab(&self) -> Option<Mistake> {
        let is_meant = self.says("tab character") || self.rest.starts_with('\t');
        let line = self.lines.get(self.position.line);
        let column = line.chars().position(|letter| letter == '\t').filter(|_| is_meant)? + 1;
        let message = "a tab stands here, where YAML takes only spaces";
        at(
            Position { column, ..self.position },
            message,
            "write spaces instead, two for each level; most editors can be told to do so",
        )
    }

    fn control_character(&self) -> Option<Mistake> {
        if !self.says("control characters") {
            return None;
        }
        let is_control = |letter: &char| letter.is_control() && !"\n\r\t\u{85}".contains(*letter);
        let found = self.lines.all().find_map(|(number, line)| {
            let (column, letter) = line.chars().enumerate().find(|(_, letter)| is_control(letter))?;
            Some((Position { line: number, column: column + 1 }, letter))
        });
        let (position, letter) = found?;
        let code = u32::from(letter);
        at(
            position,
            format!("a control character (U+{code:04X}) stands here"),
            format!("remove it, or write it as `\\u{code:04x}` in double quotes"),
        )
    }

    fn escape(&self) -> Option<Mistake> {
        if !self.says(ESCAPE) && !self.says("hexdecimal") {
            return None;
        }
        let letter = self.rest.chars().nth(1).filter(|_| self.rest.starts_with('\\'));
        let (shown, twice) = match letter {
            Some(letter) => (format!("`\\{letter}`"), format!("`\\\\{letter}`")),
            None => ("this backslash".to_owned(), "`\\\\`".to_owned()),
        };
        let help = match self.is_json() {
            true => format!("write the backslash twice: {twice}"),
            false => format!(
                "write the text in single quotes, where a backslash is a backslash, or the backslash twice: {twice}"
            ),
        };
        at(self.position, format!("{shown} means nothing in double quotes"), help)
    }

    /// Letters that have a meaning of their own at the beginning of a text.
    fn first_letter(&self) -> Option<Mistake> {
        let position = match self.began.filter(|_| self.says("alias") || self.says("anchor")) {
            Some(began) => began,
            None => self.position,
        };
        let letter = self.letter_at(position)?;
        let is_meant = match letter {
            '@' | '`' | '%' => self.says("cannot start any token"),
            '*' | '&' => self.says("alias") || self.says("anchor"),
            '!' => self.says("tag"),
            '?' => self.says("mapping keys are not allowed"),
            _ => false,
        };
        if !is_meant {
            return None;
        }
        let message = match letter {
            '*' | '&' => {
                format!("`{letter}` at the beginning of a text is a mark of YAML's own, for anchors")
            }
            '!' => "`!` at the beginning of a text is a mark of YAML's own, for types".to_owned(),
            _ => format!("a text cannot begin with `{letter}`"),
        };
        at(position, message, format!("put the text in quotes: `'{letter}…'`"))
    }

    /// `|`, `>` and `-` where a text is meant.
    fn marks(&self) -> Option<Mistake> {
        if self.says("scanning a block scalar") {
            let message = "`|` and `>` begin a text that stands on the lines below";
            return at(
                self.position,
                message,
                "put the text in quotes, or on the next line, indented further",
            );
        }
        if self.says("block sequence entries are not allowed") {
            let message = "a list does not begin on the line of its key";
            return at(self.position, message, "write each item on a line of its own, or the text in quotes");
        }
        None
    }

    /// A quote that nothing closes up to the end.
    fn open_quote(&self) -> Option<Mistake> {
        let is_meant = self.says("scanning a quoted scalar")
            && (self.says("end of stream") || self.says("document indicator"));
        let began = self.began.filter(|_| is_meant)?;
        unclosed_quote(began, self.letter_at(began)?)
    }

    /// The place follows a quote: that of this line, which ended a text too early, or one that was meant to
    /// begin a text, and ended what an earlier line left open.
    fn after_quote(&self) -> Option<Mistake> {
        let quote = self.before.chars().last().filter(|letter| "\"'".contains(*letter))?;
        // Other marks than a comma or colon are reported as that.
        if !self.says("did not find expected") || self.rest.starts_with([';', '=']) {
            return None;
        }
        if quotes(&self.before, quote).len().is_multiple_of(2) {
            let help = match quote {
                '\'' => "in single quotes write an apostrophe twice (`''`), or put the text in double quotes",
                _ => "in double quotes write a quote as `\\\"`",
            };
            return at(self.position, format!("the text in quotes ends before this, at `{quote}`"), help);
        }
        let above = (1..self.position.line).rev().take(LINES_BACK_MAX);
        let opened = above.into_iter().find_map(|number| {
            let columns = quotes(self.lines.get(number), quote);
            let column = columns.last().filter(|_| !columns.len().is_multiple_of(2))?;
            Some(Position { line: number, column: *column })
        });
        unclosed_quote(opened?, quote)
    }
}

/// A text in quotes that goes on for more lines is none that was left open.
const LINES_BACK_MAX: usize = 100;

fn unclosed_quote(position: Position, quote: char) -> Option<Mistake> {
    at(
        position,
        format!("the quote `{quote}` that opens here is not closed"),
        format!("write `{quote}` where the text ends"),
    )
}

/// The columns of the quotes in `line` that are not escaped.
fn quotes(line: &str, quote: char) -> Vec<usize> {
    let mut columns = Vec::new();
    let mut is_escaped = false;
    for (index, letter) in line.chars().enumerate() {
        if letter == quote && !is_escaped {
            columns.push(index + 1);
        }
        is_escaped = letter == '\\' && quote == '"' && !is_escaped;
    }
    columns
}

#[cfg(test)]
mod tests;
