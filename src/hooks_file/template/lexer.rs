//! Cuts a template into tokens. A text that cannot be cut further ends with a `Bad` token, so
//! that a problem before it is reported first.

use std::fmt;

use super::problem::{Fault, Problem};

const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

#[derive(Debug, Clone)]
pub(super) struct Token<'t> {
    pub(super) at: usize,
    /// White space stands before it, inside the action.
    pub(super) spaced: bool,
    pub(super) kind: Kind<'t>,
}

#[derive(Debug, Clone)]
pub(super) enum Kind<'t> {
    Text(&'t str),
    Open,
    Close,
    /// A keyword, a constant or a function's name.
    Word(&'t str),
    /// Without its dot.
    Field(&'t str),
    /// With its `$`.
    Variable(&'t str),
    Dot,
    Number(&'t str),
    /// With its quotation marks, as `Quoted` and `Raw`.
    Character(&'t str),
    Quoted(&'t str),
    Raw(&'t str),
    Pipe,
    Comma,
    Declare,
    Assign,
    LeftParenthesis,
    RightParenthesis,
    Other(char),
    End,
    Bad(Problem),
}

/// As a message shows it.
impl fmt::Display for Kind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Text(_) => return f.write_str("text"),
            // It may be a secret.
            Self::Quoted(_) | Self::Raw(_) => return f.write_str("quoted text"),
            Self::End => return f.write_str("end of the file"),
            Self::Bad(problem) => return problem.fmt(f),
            Self::Field(name) => return write!(f, "`.{name}`"),
            Self::Other(character) => return write!(f, "`{character}`"),
            Self::Word(text) | Self::Variable(text) | Self::Number(text) | Self::Character(text) => text,
            Self::Open => "{{",
            Self::Close => "}}",
            Self::Dot => ".",
            Self::Pipe => "|",
            Self::Comma => ",",
            Self::Declare => ":=",
            Self::Assign => "=",
            Self::LeftParenthesis => "(",
            Self::RightParenthesis => ")",
        };
        write!(f, "`{text}`")
    }
}

pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { length: text.len(), rest: text, spaced: false, tokens: Vec::new() };
    if let Err(Fault { at, problem }) = lexer.run() {
        lexer.push(at, Kind::Bad(problem));
    }
    lexer.tokens
}

struct Lexer<'t> {
    length: usize,
    rest: &'t str,
    spaced: bool,
    tokens: Vec<Token<'t>>,
}

impl<'t> Lexer<'t> {
    fn at(&self) -> usize {
        self.length - self.rest.len()
    }

    fn push(&mut self, at: usize, kind: Kind<'t>) {
        self.tokens.push(Token { at, spaced: self.spaced, kind });
        self.spaced = false;
    }

    fn push_text(&mut self, text: &'t str) {
        if !text.is_empty() {
            self.push(self.at(), Kind::Text(text));
        }
    }

    fn run(&mut self) -> Result<(), Fault> {
        while let Some((before, inside)) = self.rest.split_once("{{") {
            let trimmed = inside.strip_prefix('-').and_then(|after| after.strip_prefix(SPACES));
            let text = if trimmed.is_some() { before.trim_end_matches(SPACES) } else { before };
            self.push_text(text);
            let open = self.at() + before.len();
            self.rest = trimmed.unwrap_or(inside);
            match self.rest.strip_prefix("/*") {
                Some(comment) => {
                    let (_, after) =
                        comment.split_once("*/").ok_or_else(|| Problem::UnclosedComment.at(open))?;
                    self.rest = after_close(after).ok_or_else(|| Problem::CommentNotAlone.at(open))?;
                }
                None => {
                    self.push(open, Kind::Open);
                    self.action(open)?;
                }
            }
        }
        self.push_text(self.rest);
        self.push(self.length, Kind::End);
        Ok(())
    }

    /// The tokens up to and including `}}`.
    fn action(&mut self, open: usize) -> Result<(), Fault> {
        let mut parentheses = Vec::new();
        loop {
            let at = self.at();
            if let Some(after) = after_close(self.rest) {
                if let Some(&parenthesis) = parentheses.last() {
                    return Err(Problem::UnclosedParenthesis.at(parenthesis));
                }
                self.push(at, Kind::Close);
                self.spaced = false;
                self.rest = after;
                return Ok(());
            }
            let mut characters = self.rest.chars();
            let character = characters.next().ok_or_else(|| Problem::UnclosedAction.at(open))?;
            let after = characters.as_str();
            if SPACES.contains(&character) {
                self.rest = after;
                self.spaced = true;
                continue;
            }
            match character {
                '(' => parentheses.push(at),
                ')' if parentheses.pop().is_none() => return Err(Problem::ParenthesisWithoutOpening.at(at)),
                _ => {}
            }
            let (kind, after) = token(self.rest, character, after).map_err(|problem| problem.at(at))?;
            self.push(at, kind);
            self.rest = after;
        }
    }
}

/// The token at the start of `text`, which is `character` and then `after`, and what follows it.
fn token<'t>(text: &'t str, character: char, after: &'t str) -> Result<(Kind<'t>, &'t str), Problem> {
    let kind = match character {
        '=' => Kind::Assign,
        '|' => Kind::Pipe,
        ',' => Kind::Comma,
        '(' => Kind::LeftParenthesis,
        ')' => Kind::RightParenthesis,
        ':' => {
            let after = after.strip_prefix('=').ok_or(Problem::ColonWithoutEquals)?;
            return Ok((Kind::Declare, after));
        }
        '"' => return quoted(text, '"').map(|(token, after)| (Kind::Quoted(token), after)),
        '\'' => return quoted(text, '\'').map(|(token, after)| (Kind::Character(token), after)),
        '`' => {
            let end = after.find('`').ok_or(Problem::UnclosedRaw)?;
            return cut(text, end + 2).map(|(token, after)| (Kind::Raw(token), after));
        }
        '$' => return word(text, after).map(|(token, after)| (Kind::Variable(token), after)),
        '.' if !after.starts_with(|next: char| next.is_ascii_digit()) => {
            let (token, rest) = word(text, after)?;
            let field = token.strip_prefix('.').unwrap_or(token);
            return Ok((if field.is_empty() { Kind::Dot } else { Kind::Field(field) }, rest));
        }
        '.' | '+' | '-' | '0'..='9' => return number(text),
        _ if is_alphanumeric(character) => {
            return word(text, after).map(|(token, after)| (Kind::Word(token), after));
        }
        '!'..='~' => Kind::Other(character),
        _ => return Err(Problem::BadCharacter { character }),
    };
    Ok((kind, after))
}

/// A word of letters and digits after its first character; what follows it must not look like
/// the rest of a word.
fn word<'t>(text: &'t str, after_first: &'t str) -> Result<(&'t str, &'t str), Problem> {
    let rest = after_first.trim_start_matches(is_alphanumeric);
    match rest.chars().next() {
        Some(' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | '(' | ')') | None => {}
        Some(_) if rest.starts_with("}}") => {}
        Some(character) => return Err(Problem::BadCharacter { character }),
    }
    cut(text, text.len() - rest.len())
}

/// Everything that may belong to a number; the parser says whether it is one.
fn number(text: &str) -> Result<(Kind<'_>, &str), Problem> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let hexadecimal = unsigned.starts_with("0x") || unsigned.starts_with("0X");
    let mut previous = ' ';
    let rest = unsigned.trim_start_matches(|character| {
        let exponent =
            if hexadecimal { matches!(previous, 'p' | 'P') } else { matches!(previous, 'e' | 'E') };
        previous = character;
        is_alphanumeric(character) || character == '.' || (exponent && matches!(character, '+' | '-'))
    });
    cut(text, text.len() - rest.len()).map(|(token, after)| (Kind::Number(token), after))
}

fn quoted(text: &str, mark: char) -> Result<(&str, &str), Problem> {
    let mut escaped = false;
    for (index, character) in text.char_indices().skip(1) {
        match character {
            '\n' => break,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == mark => return cut(text, index + 1),
            _ => {}
        }
    }
    Err(Problem::UnclosedQuote { mark })
}

fn cut(text: &str, length: usize) -> Result<(&str, &str), Problem> {
    text.split_at_checked(length).ok_or(Problem::UnclosedAction)
}

/// What follows a `}}` or ` -}}` at the start of `text`, trimmed if it says so.
fn after_close(text: &str) -> Option<&str> {
    let marked = text.strip_prefix(SPACES).and_then(|after| after.strip_prefix("-}}"));
    marked.map(|after| after.trim_start_matches(SPACES)).or_else(|| text.strip_prefix("}}"))
}

fn is_alphanumeric(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}
