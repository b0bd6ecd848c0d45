//! Renders a hooks file that is a Go `text/template`, before anything reads it as YAML or JSON.
//!
//! An engine of our own, for what the reference's users write: the language with its built-in
//! functions, and `getenv`, `cat` and `credential`. There is no data (the dot is nil), so a value
//! is nil, a boolean, a number or a text, and no function makes a list or a map: `range` goes over
//! nil or, as newer Go has it, a number. Complex numbers, hexadecimal floats and `call` are errors.
//! Texts are bytes inside, as in Go, where a slice may cut a character.

mod escape;
mod execute;
mod expression;
mod flags;
pub(super) mod float;
mod functions;
mod lexer;
mod parser;
mod printf;
mod problem;
mod syntax;
mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use problem::{Fault, Problem};

/// No output and no single value grows beyond this: a hooks file is some kilobytes.
const TEXT_BYTES_MAX: usize = 8 << 20;

/// What all function calls together may produce; stops texts that double in variables.
const PRODUCED_BYTES_MAX: usize = 64 << 20;

/// What `cat` and `credential` read at most: secrets and ids are far smaller.
const FILE_BYTES_MAX: usize = 1 << 20;

/// Actions and operands that are evaluated at most: a thousand hooks need some ten thousand.
const STEPS_MAX: usize = 1_000_000;

/// Blocks and parentheses inside each other, as written.
const NESTING_MAX: usize = 100;

/// Blocks, parentheses and template calls inside each other, as executed; the reference allows
/// more calls than our stack.
const DEPTH_MAX: usize = 500;

/// What a template may ask of the machine. The caller fills it: this module reads no environment.
#[derive(Default)]
pub(crate) struct Surroundings {
    pub(crate) environment: BTreeMap<String, String>,
    /// An empty path is none.
    pub(crate) credentials_directory: Option<PathBuf>,
}

/// Without the environment, which holds secrets.
impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("credentials_directory", &self.credentials_directory)
            .finish_non_exhaustive()
    }
}

/// Why a template cannot be rendered. The message is for a caller who puts the file and the place
/// before it; it never holds a value from the environment or a file, nor a quoted text.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct TemplateError {
    /// Counted from 1; 0 when the output as a whole is at fault.
    pub(crate) line: usize,
    /// In characters, counted from 1; 0 as above.
    pub(crate) column: usize,
    pub(crate) message: String,
}

/// The text that `text` says, with what it asks of `surroundings` filled in.
#[inline(never)]
pub(crate) fn render(text: &str, surroundings: &Surroundings) -> Result<String, TemplateError> {
    let output = parser::parse(text)
        .and_then(|definitions| execute::execute(&definitions, surroundings))
        .map_err(|fault| locate(text, fault))?;
    String::from_utf8(output).map_err(|_| TemplateError {
        line: 0,
        column: 0,
        message: Problem::OutputNotUtf8.to_string(),
    })
}

fn locate(text: &str, Fault { at, problem }: Fault) -> TemplateError {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or(before);
    TemplateError {
        line: before.matches('\n').count() + 1,
        column: line.chars().count() + 1,
        message: problem.to_string(),
    }
}
