//! Go's regular expressions (RE2 in its Perl mode), matched by the `regex` crate.
//!
//! The two dialects look alike and differ in what they mean: `\w` and `\b` are ASCII in Go, `{` that starts no
//! repetition is a brace, `[a&&b]` is three characters. So a pattern is never passed through: `translate`
//! reads it by Go's rules and writes it anew. Whether a text matches is all that is asked, so groups lose their
//! captures and repetitions their laziness.

mod class;
mod translate;

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};
use thiserror::Error;

/// What one compiled pattern may take. Go has 128 MiB of a denser form; `\pL{1000}` fits here as well.
const COMPILED_BYTES_MAX: usize = 64 << 20;

/// How deep groups, branches and repetitions may nest, together. Go's thousand would overflow the stack of a worker
/// thread in an unoptimised build, since the compiler recurses.
const TREE_LEVELS_MAX: u32 = 250;

#[derive(Debug, Clone)]
pub(crate) struct GoRegex(Regex);

impl GoRegex {
    pub(crate) fn new(pattern: &str) -> Result<Self, GoRegexError> {
        let translated = translate::translate(pattern)?;
        RegexBuilder::new(&translated)
            .size_limit(COMPILED_BYTES_MAX)
            .nest_limit(TREE_LEVELS_MAX)
            .build()
            .map(Self)
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => GoRegexError::TooLarge,
                other => GoRegexError::Compile(other),
            })
    }

    /// Whether the pattern matches somewhere in `text`. A byte that is no UTF-8 counts as one U+FFFD.
    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        self.0.is_match(&as_characters(text))
    }
}

/// Go replaces byte by byte, where `from_utf8_lossy` makes one character of a truncated sequence.
fn as_characters(text: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(text) {
        return Cow::Borrowed(text);
    }
    let mut characters = String::with_capacity(text.len() + 16);
    for chunk in text.utf8_chunks() {
        characters.push_str(chunk.valid());
        characters.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Cow::Owned(characters)
}

#[derive(Debug, Clone, PartialEq, Error)]
pub(crate) enum GoRegexError {
    #[error("{problem} at byte {offset}{}", problem.advice())]
    Syntax {
        /// Where in the pattern, in bytes.
        offset: usize,
        problem: Problem,
    },
    #[error("takes more than {COMPILED_BYTES_MAX} bytes when compiled")]
    TooLarge,
    #[error("cannot be compiled")]
    Compile(#[source] regex::Error),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Problem {
    #[error("nothing to repeat")]
    NothingToRepeat,
    #[error("a repetition of a repetition")]
    StackedRepetition,
    #[error(
        "a repetition of more than {}, or one whose end is below its start,",
        translate::REPEAT_MAX
    )]
    RepeatCount,
    #[error("`(` without its `)`")]
    UnclosedGroup,
    #[error("`)` without its `(`")]
    UnopenedGroup,
    #[error("unsupported look-around")]
    LookAround,
    #[error("unknown flag or kind of group")]
    GroupKind,
    #[error("malformed group name")]
    GroupName,
    #[error("`[` without its `]`")]
    UnclosedClass,
    #[error("a range that ends before it starts")]
    ClassRange,
    #[error("unknown `[:class:]`")]
    PosixClass,
    #[error("unknown Unicode class")]
    UnicodeClass,
    #[error("unsupported back-reference")]
    BackReference,
    #[error("unsupported `\\C`")]
    AnyByte,
    #[error("unsupported `\\Z`")]
    EndBeforeNewline,
    #[error("malformed `\\x` escape")]
    Hexadecimal,
    #[error("unknown escape")]
    Escape,
    #[error("a lone `\\` at the end")]
    TrailingBackslash,
}

impl Problem {
    fn at(self, offset: usize) -> GoRegexError {
        GoRegexError::Syntax {
            offset,
            problem: self,
        }
    }

    /// What to write instead, to follow the message.
    fn advice(self) -> &'static str {
        match self {
            Self::NothingToRepeat => r"; for the character itself write `\*`, `\+`, `\?` or `\{`",
            Self::StackedRepetition => {
                "; there are no possessive repetitions: keep one, or group the inner one"
            }
            Self::UnopenedGroup => r"; for the character itself write `\)`",
            Self::UnclosedGroup => r"; for the character itself write `\(`",
            Self::UnclosedClass => r"; for the character itself write `\[`",
            Self::LookAround => "; say it with a second rule under `and` or `not`",
            Self::GroupKind => "; the flags are `i`, `m`, `s` and `U`",
            Self::GroupName => "; a name is letters, digits and `_`, closed by `>`",
            Self::ClassRange => r"; for the character itself write `\-`",
            Self::UnicodeClass => r"; categories and scripts are known, as in `\p{Lu}` and `\p{Greek}`",
            Self::AnyByte => "; write `(?s:.)`",
            Self::EndBeforeNewline => r"; write `\z`, or `\n?\z` to allow a last newline",
            Self::Hexadecimal => r"; write `\x41` or `\x{10FFFF}`",
            Self::TrailingBackslash => r"; for the character itself write `\\`",
            Self::RepeatCount | Self::PosixClass | Self::BackReference | Self::Escape => "",
        }
    }
}
