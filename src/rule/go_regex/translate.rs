//! One pass over a Go pattern that writes the same language in the `regex` crate's syntax.
//!
//! What is written depends on as little context as can be: `^`, `$` and `.` become the assertion or
//! class that the flags in force make of them, so that only `(?i)` is handed on as a flag.

use super::class::{self, Cursor};
use super::{GoRegexError, Problem};

/// Go's bound for one count and for the product of counts nested in each other.
pub(super) const REPEAT_MAX: u32 = 1000;

/// A count of more digits than this is over every bound; Go stops reading there as well.
const COUNT_DIGITS_MAX: usize = 9;

pub(super) fn translate(pattern: &str) -> Result<String, GoRegexError> {
    let mut translator = Translator {
        cursor: Cursor::new(pattern),
        out: String::with_capacity(pattern.len() * 2),
        flags: Flags::default(),
        fold_written: false,
        groups: Vec::new(),
        copies: 1,
        last: None,
    };
    let mut after_repetition = false;
    while let Some(next) = translator.cursor.peek() {
        after_repetition = translator.step(next, after_repetition)?;
    }
    match translator.groups.last() {
        Some(group) => Err(Problem::UnclosedGroup.at(group.offset)),
        None => Ok(translator.out),
    }
}

struct Translator<'p> {
    cursor: Cursor<'p>,
    out: String,
    flags: Flags,
    /// Whether `(?i)` is in force at the end of `out`; it is brought up to date when that matters.
    fold_written: bool,
    groups: Vec<Group>,
    /// The largest product of nested counts in what is complete of the current group.
    copies: u32,
    /// What a repetition would apply to: none at the start of a group or branch.
    last: Option<Atom>,
}

/// `U` is read and forgotten: it does not change what matches.
#[derive(Clone, Copy, Default)]
struct Flags {
    fold: bool,
    multi_line: bool,
    dot_newline: bool,
}

/// An open group, with what closing it restores.
struct Group {
    offset: usize,
    start: usize,
    flags: Flags,
    fold_written: bool,
    copies: u32,
}

struct Atom {
    /// Where it starts in the translation.
    start: usize,
    repeated: bool,
    copies: u32,
}

struct Counts {
    min: u32,
    max: Option<u32>,
}

impl Translator<'_> {
    /// Translates the next piece and tells whether it was a repetition.
    fn step(&mut self, next: char, after_repetition: bool) -> Result<bool, GoRegexError> {
        let offset = self.cursor.offset();
        match next {
            '[' => {
                let class = class::bracketed(&mut self.cursor)?;
                self.atom(&class);
            }
            '\\' => self.escape(offset)?,
            '(' => self.open(offset)?,
            '{' => match counts(self.cursor.rest()) {
                Some((counts, rest)) => {
                    self.cursor.set_rest(rest);
                    let counts = counts.ok_or(Problem::RepeatCount.at(offset))?;
                    return self.repeat(offset, counts, after_repetition);
                }
                None => self.literal(next),
            },
            _ => {
                self.cursor.next();
                match next {
                    '|' => self.branch(),
                    ')' => self.close(offset)?,
                    '^' if self.flags.multi_line => self.atom("(?m:^)"),
                    '^' => self.atom(r"\A"),
                    '$' if self.flags.multi_line => self.atom("(?m:$)"),
                    '$' => self.atom(r"\z"),
                    '.' if self.flags.dot_newline => self.atom("(?s:.)"),
                    '.' => self.atom(r"[^\n]"),
                    '*' => return self.repeat(offset, Counts { min: 0, max: None }, after_repetition),
                    '+' => return self.repeat(offset, Counts { min: 1, max: None }, after_repetition),
                    '?' => return self.repeat(offset, Counts { min: 0, max: Some(1) }, after_repetition),
                    _ => self.character(u32::from(next)),
                }
            }
        }
        Ok(false)
    }

    fn literal(&mut self, character: char) {
        self.cursor.next();
        self.character(u32::from(character));
    }

    fn character(&mut self, code: u32) {
        self.atom(&class::character(code));
    }

    fn atom(&mut self, text: &str) {
        self.complete();
        if self.fold_written != self.flags.fold {
            self.out.push_str(if self.flags.fold { "(?i)" } else { "(?-i)" });
            self.fold_written = self.flags.fold;
        }
        self.last = Some(Atom { start: self.out.len(), repeated: false, copies: 1 });
        self.out.push_str(text);
    }

    fn complete(&mut self) {
        if let Some(atom) = self.last.take() {
            self.copies = self.copies.max(atom.copies);
        }
    }

    fn branch(&mut self) {
        self.complete();
        self.out.push('|');
    }

    fn escape(&mut self, offset: usize) -> Result<(), GoRegexError> {
        let mut ahead = self.cursor;
        ahead.next();
        let assertion = match ahead.next() {
            Some('A') => r"\A",
            Some('z') => r"\z",
            Some('b') => r"(?-u:\b)",
            Some('B') => r"(?-u:\B)",
            Some('Q') => {
                let quoted = ahead.rest();
                let (quoted, rest) = quoted.split_once(r"\E").unwrap_or((quoted, ""));
                quoted.chars().for_each(|character| self.character(u32::from(character)));
                self.cursor.set_rest(rest);
                return Ok(());
            }
            _ => {
                match class::escaped_class(&mut self.cursor)? {
                    Some(class) => self.atom(&class),
                    None => {
                        self.cursor.next();
                        let code = class::escaped_character(&mut self.cursor, offset)?;
                        self.character(code);
                    }
                }
                return Ok(());
            }
        };
        self.cursor = ahead;
        self.atom(assertion);
        Ok(())
    }

    fn open(&mut self, offset: usize) -> Result<(), GoRegexError> {
        self.cursor.next();
        let mut flags = self.flags;
        if self.cursor.eat("?") {
            if ["=", "!", "<=", "<!"].iter().any(|sign| self.cursor.rest().starts_with(sign)) {
                return Err(Problem::LookAround.at(offset));
            }
            if self.cursor.eat("P<") || self.cursor.eat("<") {
                self.name().ok_or(Problem::GroupName.at(offset))?;
            } else {
                let (new_flags, end) = self.read_flags().ok_or(Problem::GroupKind.at(offset))?;
                flags = new_flags;
                if end == ')' {
                    self.flags = flags;
                    return Ok(());
                }
            }
        }
        self.complete();
        self.groups.push(Group {
            offset,
            start: self.out.len(),
            flags: self.flags,
            fold_written: self.fold_written,
            copies: std::mem::replace(&mut self.copies, 1),
        });
        self.out.push_str("(?:");
        self.flags = flags;
        Ok(())
    }

    /// The same name twice is allowed, as it is in Go.
    fn name(&mut self) -> Option<()> {
        let (name, rest) = self.cursor.rest().split_once('>')?;
        let is_name =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        self.cursor.set_rest(rest);
        is_name.then_some(())
    }

    /// The flags after `(?` and the `:` or `)` that ends them.
    fn read_flags(&mut self) -> Option<(Flags, char)> {
        let mut flags = self.flags;
        let mut on = true;
        let mut bare_minus = false;
        loop {
            match self.cursor.next()? {
                'i' => flags.fold = on,
                'm' => flags.multi_line = on,
                's' => flags.dot_newline = on,
                'U' => {}
                '-' if on => {
                    on = false;
                    bare_minus = true;
                    continue;
                }
                end @ (':' | ')') if !bare_minus => return Some((flags, end)),
                _ => return None,
            }
            bare_minus = false;
        }
    }

    fn close(&mut self, offset: usize) -> Result<(), GoRegexError> {
        self.complete();
        let group = self.groups.pop().ok_or(Problem::UnopenedGroup.at(offset))?;
        self.out.push(')');
        self.flags = group.flags;
        self.fold_written = group.fold_written;
        let copies = std::mem::replace(&mut self.copies, group.copies);
        self.last = Some(Atom { start: group.start, repeated: false, copies });
        Ok(())
    }

    fn repeat(
        &mut self,
        offset: usize,
        counts: Counts,
        after_repetition: bool,
    ) -> Result<bool, GoRegexError> {
        self.cursor.eat("?");
        if after_repetition {
            return Err(Problem::StackedRepetition.at(offset));
        }
        let atom = self.last.as_mut().ok_or(Problem::NothingToRepeat.at(offset))?;
        atom.copies = match counts {
            Counts { max: Some(0), .. } => 1,
            Counts { min, max } => atom.copies.saturating_mul(max.unwrap_or(min).max(1)),
        };
        if atom.copies > REPEAT_MAX {
            return Err(Problem::RepeatCount.at(offset));
        }
        // `a*(?i)?` repeats `a*` in Go; written side by side the two would be one lazy repetition.
        if atom.repeated {
            self.out.insert_str(atom.start, "(?:");
            self.out.push(')');
        }
        atom.repeated = true;
        match counts {
            Counts { min: 0, max: None } => self.out.push('*'),
            Counts { min: 1, max: None } => self.out.push('+'),
            Counts { min: 0, max: Some(1) } => self.out.push('?'),
            Counts { min, max: None } => self.out.push_str(&format!("{{{min},}}")),
            Counts { min, max: Some(max) } => self.out.push_str(&format!("{{{min},{max}}}")),
        }
        Ok(true)
    }
}

/// Reads `{2}`, `{2,}` or `{2,3}`, and gives no counts where they are out of bounds. What has another
/// form, as `{,2}` and `{02}`, starts with a literal brace.
fn counts(rest: &str) -> Option<(Option<Counts>, &str)> {
    let (min, rest) = count(rest.strip_prefix('{')?)?;
    let (max, rest) = match rest.strip_prefix(',') {
        None => (Some(min), rest),
        Some(rest) if rest.starts_with('}') => (None, rest),
        Some(rest) => count(rest).map(|(max, rest)| (Some(max), rest))?,
    };
    let rest = rest.strip_prefix('}')?;
    let within = min <= REPEAT_MAX && max.is_none_or(|max| (min..=REPEAT_MAX).contains(&max));
    Some((within.then_some(Counts { min, max }), rest))
}

fn count(text: &str) -> Option<(u32, &str)> {
    let rest = text.trim_start_matches(|character: char| character.is_ascii_digit());
    let digits = text.strip_suffix(rest)?;
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    if digits.len() > COUNT_DIGITS_MAX {
        return Some((u32::MAX, rest));
    }
    Some((digits.parse().ok()?, rest))
}
